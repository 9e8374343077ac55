"""What a chain gives, on standard output: text as it comes, messages by their text, anything else as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from .text import out

if TYPE_CHECKING:
    from ..runtime.runnables import Runnable, RunnableConfig

__all__ = ["Printer", "run_blocking", "run_on_loop"]

_ANY_BYTES = 1 << 40
"""A bound that no output reaches: what is printed is never cut."""


class Printer:
    """Prints a chain's output. Texts follow each other as they come; a JSON value has a line of its own."""

    def __init__(self) -> None:
        self._is_in_line = False

    def show(self, value: Any) -> None:
        """Print an output, or a chunk of it.

        Args:
            value: The value.

        Raises:
            OutputClosed: If nobody reads any more.
        """
        from ..tracing.encode import encode

        text = _text_of(value)
        if text is None:
            self.close()
            out(json.dumps(encode(value, _ANY_BYTES), ensure_ascii=False))
        elif text:
            out(text, newline=False)
            self._is_in_line = not text.endswith("\n")

    def close(self) -> None:
        """End the line that the last text has begun.

        Raises:
            OutputClosed: If nobody reads any more.
        """
        if self._is_in_line:
            self._is_in_line = False
            out("")


def _text_of(value: Any) -> str | None:
    """Return the text of a text or a message; None for anything else, and for a message that only calls tools."""
    from ..runtime.messages import BaseMessage

    if isinstance(value, str):
        return value
    if not isinstance(value, BaseMessage):
        return None
    calls = getattr(value, "tool_call_chunks", None) or getattr(value, "tool_calls", None)
    return None if calls and not value.text else str(value.text)


def run_blocking(
    chain: Runnable[Any, Any], value: Any, config: RunnableConfig, is_streamed: bool, printer: Printer
) -> None:
    """Run the chain in this thread and print what it gives.

    Args:
        chain: The chain.
        value: Its input.
        config: The config of the call.
        is_streamed: Whether chunks are printed as they come.
        printer: Prints.

    Raises:
        OutputClosed: If nobody reads any more; the run is closed.
    """
    if not is_streamed:
        printer.show(chain.invoke(value, config))
        return
    chunks = chain.stream(value, config)
    try:
        for chunk in chunks:
            printer.show(chunk)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def run_on_loop(
    chain: Runnable[Any, Any], value: Any, config: RunnableConfig, is_streamed: bool, printer: Printer
) -> None:
    """Run the chain on an event loop of its own and print what it gives.

    Args:
        chain: The chain.
        value: Its input.
        config: The config of the call.
        is_streamed: Whether chunks are printed as they come.
        printer: Prints.

    Raises:
        OutputClosed: If nobody reads any more; the run is closed.
    """

    async def consume() -> None:
        if not is_streamed:
            printer.show(await chain.ainvoke(value, config))
            return
        async with aclosing(cast("AsyncGenerator[Any, None]", chain.astream(value, config))) as chunks:
            async for chunk in chunks:
                printer.show(chunk)

    asyncio.run(consume())
