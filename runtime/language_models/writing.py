"""What a model's class has written of the methods a provider may write, and what these take.

A provider writes at least one way to answer; all others follow from it. On an event loop the method counts that is
nearest in the class's ancestry. A method whose signature names no `run_manager` is not given one.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from ..exceptions import AsyncOnlyError
from .base import BaseLanguageModel

__all__ = ["managers", "nothing_written", "writes"]


def writes(model: BaseLanguageModel, method: str, base: type[Any]) -> bool:
    """Return whether the model's class has a method of its own in place of the base's.

    Args:
        model: The model.
        method: The method's name.
        base: The class that has it first.
    """
    return getattr(type(model), method) is not getattr(base, method)


@cache
def _takes_manager(kind: type, method: str) -> bool:
    return "run_manager" in inspect.signature(getattr(kind, method)).parameters


def managers(model: BaseLanguageModel, method: str, manager: Any) -> dict[str, Any]:
    """Return the keyword argument `run_manager` for a method that names it, else nothing.

    Args:
        model: The model.
        method: The method's name.
        manager: The manager.
    """
    return {"run_manager": manager} if _takes_manager(type(model), method) else {}


def nothing_written(model: BaseLanguageModel, is_async_only: bool) -> Exception:
    """Return the error of a blocking call that the model has no method for.

    Args:
        model: The model.
        is_async_only: Whether it can answer on an event loop.
    """
    name = type(model).__name__
    if is_async_only:
        return AsyncOnlyError(f"{name} works on an event loop only; call it with ainvoke, astream or abatch.")
    return NotImplementedError(f"{name} writes no method that answers; write _generate, or _stream.")
