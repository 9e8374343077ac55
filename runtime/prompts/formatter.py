"""Filling in templates with `{name}` fields, safely.

The syntax is that of `str.format`, less what would let a template reach into values: a field is a plain name, never an
attribute, an index or a position, and a format specification holds no fields of its own. So a template from a stranger
can show the values it is given and nothing else; how wide it shows them, and so how much memory it takes, is not
bounded. `{{` and `}}` are braces.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from ..exceptions import InvalidInputError

__all__ = ["format_template", "variables_of"]


def variables_of(template: str) -> list[str]:
    """Return the names of a template's fields, each once, sorted.

    Raises:
        InvalidInputError: If the template is malformed or a field is more than a name.
    """
    return sorted({name for _, name, _, _ in _parse(template) if name is not None})


def format_template(template: str, values: Mapping[str, Any]) -> str:
    """Return the template with each field replaced by its value; values that it does not name are ignored.

    Args:
        template: The text with fields such as `{name}`, `{name!r}` or `{name:>10}`.
        values: Name -> value.

    Raises:
        InvalidInputError: If the template is malformed or a field is more than a name.
        KeyError: If a field has no value.
        ValueError: If a value cannot be formatted as its field says.
    """
    pieces: list[str] = []
    for literal, name, spec, conversion in _parse(template):
        pieces.append(literal)
        if name is not None:
            value = _FORMATTER.convert_field(values[name], conversion)
            pieces.append(format(value, spec or ""))
    return "".join(pieces)


_FORMATTER = Formatter()


def _parse(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        fields = list(_FORMATTER.parse(template))
    except ValueError as err:
        raise InvalidInputError(f"The template {template!r} is malformed: {err}. Write {{{{ for a brace.") from err
    for _, name, spec, conversion in fields:
        if name is None:
            continue
        if not name or name.isdigit():
            raise InvalidInputError(f"Field {{{name}}} is a position; give it a name, or write {{{{ for a brace.")
        if any(mark in name for mark in ".[]"):
            raise InvalidInputError(f"Field {{{name}}} reaches into a value; a field is a plain name.")
        if spec and ("{" in spec or "}" in spec):
            raise InvalidInputError(f"Field {{{name}}} holds a field in its format {spec!r}; that is not allowed.")
        if conversion not in (None, "s", "r", "a"):
            raise InvalidInputError(f"Field {{{name}}} has the unknown conversion {conversion!r}; use s, r or a.")
    return fields
