"""Templates in mustache: `{{name}}`, sections, inverted sections, comments, other delimiters.

Source: the mustache specification, version 1.4, less partials (they render as nothing) and lambdas (a callable is a
value like any other). Names reach into mappings and, by number, into lists; never into attributes, so a template from
a stranger can show the values it is given and nothing else; sections over lists inside each other multiply, and so may
its time. What has no value renders as nothing. `{{name}}` escapes `&`, `"`, `<` and `>`; `{{{name}}}` and `{{&name}}`
do not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from ..exceptions import InvalidInputError

__all__ = ["mustache_formatter", "mustache_schema", "mustache_template_vars"]


def mustache_formatter(template: str, /, **kwargs: Any) -> str:
    """Return the template filled.

    Args:
        template: The text.
        kwargs: Name -> value.

    Raises:
        InvalidInputError: If a tag or a section is not closed, or a tag is empty.
    """
    pieces: list[str] = []
    _render(_parse(template), [kwargs], pieces)
    return "".join(pieces)


def mustache_template_vars(template: str) -> set[str]:
    """Return the names that a template takes its values from: what stands before the first dot, outside of sections.

    Args:
        template: The text.

    Raises:
        InvalidInputError: If a tag or a section is not closed, or a tag is empty.
    """
    return {part.value.partition(".")[0] for part in _parse(template) if part.kind and part.value != "."}


def mustache_schema(template: str) -> type[BaseModel]:
    """Return a model of a template's values: a text for a variable, a model for what is reached into; none is needed.

    Args:
        template: The text.

    Raises:
        InvalidInputError: If a tag or a section is not closed, or a tag is empty.
    """
    return _model("PromptInput", _names(_parse(template)))


class _Part(NamedTuple):
    """A piece of a template; its kind is "" for text, "$" for a variable, else the mark of its tag."""

    kind: str
    value: str
    inner: "list[_Part]"


class _Tag(NamedTuple):
    kind: str
    name: str
    line: int


_BLANK_REST = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_ALONE = frozenset("#^/!>=")
_ESCAPES = (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;"))


def _parse(template: str) -> list[_Part]:
    """Return the parts of a template.

    Raises:
        InvalidInputError: If a tag or a section is not closed, or a tag is empty.
    """
    levels: list[list[_Part]] = [[]]
    opened: list[_Tag] = []
    for piece in _tags(template):
        if isinstance(piece, str):
            if piece:
                levels[-1].append(_Part("", piece, []))
        elif piece.kind in ("#", "^"):
            part = _Part(piece.kind, piece.name, [])
            levels[-1].append(part)
            levels.append(part.inner)
            opened.append(piece)
        elif piece.kind == "/":
            if not opened or opened[-1].name != piece.name:
                expected = f"{{{{/{opened[-1].name}}}}}" if opened else "no section is open"
                raise InvalidInputError(f"Line {piece.line} closes {piece.name!r}; expected: {expected}.")
            opened.pop()
            levels.pop()
        elif piece.kind in ("$", "&"):
            levels[-1].append(_Part(piece.kind, piece.name, []))
    if opened:
        raise InvalidInputError(f"The section {opened[-1].name!r} of line {opened[-1].line} is never closed.")
    return levels[0]


def _tags(template: str) -> Iterator[str | _Tag]:
    """Yield texts and tags in turn; a tag that only structures, alone on its line, takes the line with it."""
    before, after = "{{", "}}"
    place, line, counted = 0, 1, 0
    while (start := template.find(before, place)) >= 0:
        inner = start + len(before)
        mark = template[inner : inner + 1]
        closing = f"}}{after}" if mark == "{" else f"={after}" if mark == "=" else after
        marked = mark != "" and mark in "#^/!>=&{"
        end = template.find(closing, inner + marked)
        line, counted = line + template.count("\n", counted, start), start
        if end < 0:
            raise InvalidInputError(f"The tag {template[start : start + 20]!r} of line {line} is never closed.")
        name = template[inner + marked : end].strip()
        if not name and mark != "!":
            raise InvalidInputError(f"The tag of line {line} is empty; give it a name.")
        text, place = template[place:start], end + len(closing)
        rest = _BLANK_REST.match(template, place) if mark in _ALONE else None
        indent = len(text) - len(text.rstrip(" \t"))
        is_first = start == indent or template[start - indent - 1] == "\n"
        if rest and is_first:
            text, place = text[: len(text) - indent], rest.end()
        yield text
        if mark == "=":
            before, after = _delimiters(name, line)
        yield _Tag("&" if mark == "{" else mark if marked else "$", name, line)
    yield template[place:]


def _delimiters(given: str, line: int) -> tuple[str, str]:
    both = given.split()
    if len(both) != 2 or "=" in given:
        raise InvalidInputError(f"Line {line} sets the delimiters {given!r}; give two, such as '<% %>'.")
    return both[0], both[1]


def _render(parts: Sequence[_Part], scopes: list[Any], pieces: list[str]) -> None:
    for kind, value, inner in parts:
        if not kind:
            pieces.append(value)
            continue
        found = _look_up(value, scopes)
        if kind == "#":
            for scope in found if isinstance(found, list | tuple) else [found] if found else []:
                _render(inner, [*scopes, scope], pieces)
        elif kind == "^":
            if not found:
                _render(inner, scopes, pieces)
        elif found is not None:
            pieces.append(str(found) if kind == "&" else _escaped(str(found)))


def _look_up(name: str, scopes: list[Any]) -> Any:
    """Return a value; its first name may be known to any scope around, the nearest first. None if there is none."""
    if name == ".":
        return scopes[-1]
    first, *further = name.split(".")
    found: Any = None
    for scope in reversed(scopes):
        known, found = _item(scope, first)
        if known:
            break
    for step in further:
        found = _item(found, step)[1]
    return found


def _item(value: Any, name: str) -> tuple[bool, Any]:
    if isinstance(value, Mapping):
        return name in value, value.get(name)
    if isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
        return True, value[int(name)]
    return False, None


def _escaped(text: str) -> str:
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return text


def _names(parts: Sequence[_Part]) -> dict[str, Any]:
    """Return the names in use as a tree."""
    tree: dict[str, Any] = {}
    for part in parts:
        if not part.kind or part.value == ".":
            continue
        place = tree
        for name in part.value.split("."):
            place = place.setdefault(name, {})
        for name, below in _names(part.inner).items():
            place.setdefault(name, {}).update(below)
    return tree


def _model(name: str, tree: Mapping[str, Any]) -> type[BaseModel]:
    from ..runnables.schemas import model_of_fields

    fields = {key: (_model(key, below) if below else str, None) for key, below in tree.items()}
    return model_of_fields(name, fields)
