"""Google docstrings: what a function says of itself and of its arguments.

The text before the first section describes the function, its paragraphs joined by a blank. In the paragraph that
begins with `Args:` each argument is a line `name: text` or `name (type): text`; deeper lines carry its text on. The
section ends at a blank line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..exceptions import InvalidInputError

__all__ = ["Docstring", "read_docstring"]

_SECTIONS = ("Args:", "Returns:", "Raises:", "Example:", "Examples:", "Yields:", "Note:", "Notes:")
_ARGUMENT = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\)\s*)?:\s*(.*)$")


class Docstring(NamedTuple):
    """What a docstring says.

    Args:
        description: What the function does; empty when nothing is said.
        arguments: What each argument is.
    """

    description: str
    arguments: dict[str, str]


def read_docstring(
    source: Callable[..., Any] | type, arguments: Iterable[str], *, must_be_valid: bool = False
) -> Docstring:
    """Return what a function or class says of itself and of its arguments.

    Args:
        source: The function or class.
        arguments: The names of its arguments.
        must_be_valid: Whether it must have a docstring, with a second paragraph where it has arguments.

    Raises:
        InvalidInputError: If an argument is described that does not exist, or the docstring is not valid and must be.
    """
    text = source.__doc__
    if text == dict.__doc__:  # what a TypedDict without words of its own inherits
        text = None
    paragraphs = [part for part in re.split(r"\n\s*\n", inspect.cleandoc(text or "")) if part.strip()]
    known = set(arguments)
    if must_be_valid and len(paragraphs) < (2 if known else 1):
        raise InvalidInputError(
            f"The docstring of {source!r} is {text!r}, which describes no arguments; "
            "add a paragraph that begins with 'Args:', or do not parse it."
        )
    about: list[str] = []
    told: dict[str, str] = {}
    begun = False
    for part in paragraphs:
        if part.startswith("Args:"):
            told.update(_arguments(part))
        begun = begun or part.startswith(_SECTIONS)
        if not begun:
            about.append(part)
    for name in told:
        if name not in known:
            raise InvalidInputError(
                f"The docstring of {source!r} describes the argument {name!r}, which is not among {sorted(known)!r}; "
                "name it as the signature does."
            )
    return Docstring(" ".join(about), told)


def _arguments(section: str) -> dict[str, str]:
    """Return the texts of an `Args` section; the least deep lines begin an argument."""
    lines = [line for line in section.splitlines()[1:] if line.strip()]
    depth = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    told: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in lines:
        found = _ARGUMENT.match(line.strip()) if len(line) - len(line.lstrip()) == depth else None
        if found is not None:
            last = told.setdefault(found[1], [])
            last.append(found[2])
        elif last is not None:
            last.append(line.strip())
    return {name: " ".join(filter(None, texts)) for name, texts in told.items()}
