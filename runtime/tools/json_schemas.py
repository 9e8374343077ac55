"""JSON schemas as providers of function calling take them: without references and titles, or strict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["without_references", "without_titles", "without_unknown_keys"]

_DEFINITIONS = ("$defs", "definitions")


def without_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with each definition written where it is referred to, and no definitions.

    What stands beside a reference wins over what it refers to. A definition that refers to itself is `{}` inside
    itself, which allows anything.

    Args:
        schema: The schema; it is not changed.
    """
    definitions = {
        f"#/{section}/{name}": told for section in _DEFINITIONS for name, told in schema.get(section, {}).items()
    }
    bare = {key: told for key, told in schema.items() if key not in _DEFINITIONS}
    inlined: dict[str, Any] = _inlined(bare, definitions, frozenset())
    return inlined


def _inlined(part: Any, definitions: Mapping[str, Any], open_: frozenset[str]) -> Any:
    if isinstance(part, list):
        return [_inlined(item, definitions, open_) for item in part]
    if not isinstance(part, Mapping):
        return part
    target = part.get("$ref")
    if not isinstance(target, str) or target not in definitions:
        return {key: _inlined(told, definitions, open_) for key, told in part.items()}
    beside = {key: _inlined(told, definitions, open_) for key, told in part.items() if key != "$ref"}
    if target in open_:
        return beside
    return {**_inlined(definitions[target], definitions, open_ | {target}), **beside}


def without_titles(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without the titles of itself and of what stands in mappings inside it.

    A property that is named `title` stays. So do titles inside lists, such as those of `anyOf`.

    Args:
        schema: The schema; it is not changed.
    """
    return {
        key: {name: without_titles(told) if isinstance(told, Mapping) else told for name, told in inside.items()}
        if key in ("properties", *_DEFINITIONS) and isinstance(inside, Mapping)
        else without_titles(inside)
        if isinstance(inside, Mapping) and key not in ("default", "const", "examples")
        else inside
        for key, inside in schema.items()
        if key != "title"
    }


def without_unknown_keys(schema: Any) -> Any:
    """Return a schema whose objects have all their properties and no others, as strict function calling wants it.

    Args:
        schema: The schema; it is not changed.
    """
    if isinstance(schema, list):
        return [without_unknown_keys(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: without_unknown_keys(told) if key != "properties" else told for key, told in schema.items()}
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {name: without_unknown_keys(told) for name, told in made["properties"].items()}
        if made["properties"]:
            made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    elif "additionalProperties" in made:
        made["additionalProperties"] = False
    return made
