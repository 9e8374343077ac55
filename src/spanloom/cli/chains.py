"""A chain in a user's Python file: found, imported and looked at."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from .text import one_line

if TYPE_CHECKING:
    from ..runtime.runnables import Runnable

__all__ = ["load_chain", "needs_loop", "told_error"]

_MOST_NAMED = 8


def load_chain(target: str) -> tuple[Runnable[Any, Any], Path]:
    """Import a file and return the chain it holds, and the file's path.

    The file's folder is put first on `sys.path`. A function without arguments is called when it is no chain itself; it
    must return a runnable.

    Args:
        target: `FILE.py:NAME`; the name may have dots.

    Raises:
        UsageError: If the target is not of that form, or there is no such file or chain.
        ClickException: If the file cannot be imported.
    """
    name, _, attribute = target.rpartition(":")
    if name.endswith(".py") or attribute.endswith(".py"):
        path = Path(name if name.endswith(".py") else target).expanduser().absolute()
    else:
        raise click.UsageError(f"The chain is {target!r}; give FILE.py:CHAIN, such as app.py:chain.")
    if not path.is_file():
        raise click.UsageError(f"There is no file {str(path)!r}; give FILE.py:CHAIN, such as app.py:chain.")
    module = _imported(path)
    if not name.endswith(".py") or not attribute:
        raise click.UsageError(f"Which chain of {path.name}? Give {path.name}:CHAIN.{_named(module)}")
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise click.UsageError(f"{path.name} has no {attribute!r}.{_named(module)}")
        found = getattr(found, part)
    return _as_runnable(found, attribute, path), path


def _imported(path: Path) -> ModuleType:
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem if path.stem not in sys.modules else f"_spanloom_run_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise click.UsageError(f"{str(path)!r} cannot be imported; give a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        raise click.ClickException(
            f"{path.name} ended the program while it was imported; put that below `if __name__ == '__main__':`."
        ) from error
    except Exception as error:
        raise click.ClickException(f"{path.name} cannot be imported: {told_error(error, path)}") from error
    return module


def _named(module: ModuleType) -> str:
    """Return a sentence about the chains that a module has."""
    from ..runtime.runnables import Runnable

    names = [name for name, value in vars(module).items() if isinstance(value, Runnable) and not name.startswith("_")]
    return f" It has {', '.join(sorted(names)[:_MOST_NAMED])}." if names else " It has no runnable of any name."


def _as_runnable(found: Any, attribute: str, path: Path) -> Runnable[Any, Any]:
    from ..runtime.exceptions import CoercionError
    from ..runtime.runnables import Runnable, coerce_to_runnable

    if isinstance(found, Runnable):
        return found
    if callable(found) and _takes_nothing(found):
        try:
            made = found()
        except Exception as error:
            raise click.ClickException(f"{attribute}() failed: {told_error(error, path)}") from error
        if isinstance(made, Runnable):
            return made
        if inspect.iscoroutine(made):
            made.close()
        raise click.UsageError(f"{attribute}() of {path.name} returned {made!r}; it must return a runnable.")
    try:
        return coerce_to_runnable(found)
    except (CoercionError, TypeError, ValueError) as error:
        raise click.UsageError(f"{attribute} of {path.name} is no chain: {one_line(str(error))}") from error


def _takes_nothing(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins have none
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return not any(
        one.kind is one.VAR_POSITIONAL or (one.kind in positional) or one.default is one.empty
        for one in parameters
        if one.kind is not one.VAR_KEYWORD
    )


def needs_loop(chain: Runnable[Any, Any]) -> bool:
    """Return whether some step has async functions only, so that the chain runs on an event loop alone.

    A step that a function returns while it runs is not seen.

    Args:
        chain: The chain.
    """
    from ..runtime.runnables import Runnable

    seen: set[int] = set()
    pending: list[Any] = [chain]
    while pending:
        step = pending.pop()
        if id(step) in seen:
            continue
        seen.add(id(step))
        if isinstance(step, Runnable):
            held = list(getattr(step, "__dict__", {}).values())
            functions = [thing for thing in held if inspect.isroutine(thing)]
            if functions and all(map(_is_async, functions)):
                return True
            pending += held
        else:
            pending += _items(step)
    return False


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _items(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, (list, tuple)):
        yield from thing


def told_error(error: BaseException, path: Path) -> str:
    """Return an exception as one line, with the line of the user's file where it came from, if it did.

    Args:
        error: The exception.
        path: The user's file.
    """
    text = one_line(str(error))
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SyntaxError):
        return told
    frames = [f for f in traceback.extract_tb(error.__traceback__) if os.path.abspath(f.filename) == str(path)]
    return f"{path.name}:{frames[-1].lineno}: {told}" if frames else told
