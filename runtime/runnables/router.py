"""Router: the runnable under the key that the input names. It is no run of its own: only the chosen one is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypedDict

from .base import Runnable
from .coerce import coerce_to_runnable
from .config import RunnableConfig

__all__ = ["RouterInput", "RouterRunnable"]


class RouterInput(TypedDict):
    """What a router takes."""

    key: str
    """Which runnable runs."""
    input: Any
    """Its input."""


class RouterRunnable(Runnable[Any, Any]):
    """Passes `input` on to the runnable under `key`, with the call's config.

    Args:
        runnables: The runnables under their keys; mappings and functions will do.

    Raises:
        TypeError: If `runnables` is no mapping, or one cannot be made a runnable.
    """

    takes_child_config = True

    def __init__(self, runnables: Mapping[str, Any]) -> None:
        if not isinstance(runnables, Mapping):
            raise TypeError(f"RouterRunnable was given {runnables!r}; give a mapping of keys to runnables.")
        self.runnables: dict[str, Runnable[Any, Any]] = {k: coerce_to_runnable(v) for k, v in runnables.items()}
        self.name = None

    def __repr__(self) -> str:
        return f"RouterRunnable(runnables={self.runnables!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RouterRunnable) and self.runnables == other.runnables

    __hash__ = None  # type: ignore[assignment]  # a dict of runnables has no hash

    def _routed(self, input: Any) -> tuple[Runnable[Any, Any], Any]:
        """Return the runnable that the input names, and its input.

        Raises:
            TypeError: If the input is no mapping.
            ValueError: If it has not both keys, or names a runnable that is not there.
        """
        if not isinstance(input, Mapping):
            raise TypeError(f"A router was given {input!r}; give {{'key': ..., 'input': ...}}.")
        for wanted in ("key", "input"):
            if wanted not in input:
                raise ValueError(f"A router's input has no {wanted!r}, only {list(input)}; it needs 'key' and 'input'.")
        key = input["key"]
        if key not in self.runnables:
            raise ValueError(f"No runnable associated with key {key!r}; there are {list(self.runnables)}.")
        return self.runnables[key], input["input"]

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the output of the runnable that the input names.

        Args:
            input: A mapping with `key` and `input`.
            config: Passed on.
            kwargs: Passed on.

        Raises:
            TypeError: If the input is no mapping.
            ValueError: If the key is not there.
        """
        chosen, value = self._routed(input)
        return chosen.invoke(value, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the output of the runnable that the input names, on an event loop.

        Args:
            input: A mapping with `key` and `input`.
            config: Passed on.
            kwargs: Passed on.

        Raises:
            TypeError: If the input is no mapping.
            ValueError: If the key is not there.
        """
        chosen, value = self._routed(input)
        return await chosen.ainvoke(value, config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Return the stream of the runnable that the input names.

        Args:
            input: A mapping with `key` and `input`.
            config: Passed on.
            kwargs: Passed on.

        Raises:
            TypeError: If the input is no mapping.
            ValueError: If the key is not there.
        """
        chosen, value = self._routed(input)
        return chosen.stream(value, config, **kwargs)

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Return the stream of the runnable that the input names, on an event loop.

        Args:
            input: A mapping with `key` and `input`.
            config: Passed on.
            kwargs: Passed on.

        Raises:
            TypeError: If the input is no mapping.
            ValueError: If the key is not there.
        """
        chosen, value = self._routed(input)
        return chosen.astream(value, config, **kwargs)
