"""The formats of templates by name: f-string (the default), mustache, jinja2."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..exceptions import InvalidInputError
from .formatter import format_template, variables_of
from .jinja import jinja2_formatter, jinja2_variables
from .mustache import mustache_formatter, mustache_template_vars

__all__ = ["TemplateFormat", "check_valid_template", "fill_template", "get_template_variables"]

TemplateFormat = Literal["f-string", "mustache", "jinja2"]
"""The name of a format."""


def get_template_variables(template: str, template_format: str) -> list[str]:
    """Return the names of a template's variables, each once, sorted.

    Args:
        template: The text.
        template_format: The format's name.

    Raises:
        ImportError: If the package for the format is not installed.
        InvalidInputError: If the format is unknown, or the template is malformed.
    """
    if template_format == "f-string":
        return variables_of(template)
    if template_format == "mustache":
        return sorted(mustache_template_vars(template))
    if template_format == "jinja2":
        return sorted(jinja2_variables(template))
    raise _unknown(template_format)


def fill_template(template: str, values: Mapping[str, Any], template_format: str = "f-string") -> str:
    """Return a template filled; values that it does not name are ignored.

    Args:
        template: The text.
        values: Name -> value.
        template_format: The format's name.

    Raises:
        ImportError: If the package for the format is not installed.
        InvalidInputError: If the format is unknown, or the template is malformed.
        KeyError: If a field of an f-string has no value; the other formats render nothing for it.
        ValueError: If a value cannot be formatted as its field says.
    """
    if template_format == "f-string":
        return format_template(template, values)
    if template_format == "mustache":
        return mustache_formatter(template, **values)
    if template_format == "jinja2":
        return jinja2_formatter(template, **values)
    raise _unknown(template_format)


def check_valid_template(template: str, template_format: str, input_variables: Sequence[str]) -> None:
    """Check that the variables have all those of the template; others may be among them.

    Args:
        template: The text.
        template_format: The format's name.
        input_variables: The variables.

    Raises:
        ImportError: If the package for the format is not installed.
        InvalidInputError: If one is missing, the format is unknown, or the template is malformed.
    """
    missing = [name for name in get_template_variables(template, template_format) if name not in input_variables]
    if missing:
        raise InvalidInputError(f"input_variables are {list(input_variables)!r} and lack {missing!r} of the template.")


def _unknown(template_format: str) -> InvalidInputError:
    return InvalidInputError(f"Unknown template format {template_format!r}; use 'f-string', 'mustache' or 'jinja2'.")
