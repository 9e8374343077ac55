"""Handlers that write the progress of chains, tools and models to standard output or to a file."""

from __future__ import annotations

import sys
from abc import abstractmethod
from types import TracebackType
from typing import Any, TextIO

from .handlers import BaseCallbackHandler

__all__ = [
    "FileCallbackHandler",
    "ProgressHandler",
    "StdOutCallbackHandler",
    "StreamingStdOutCallbackHandler",
    "bold",
    "colored",
]

_COLORS = {"blue": "36;1", "yellow": "33;1", "pink": "38;5;200", "green": "32;1", "red": "31;1"}


def colored(text: str, color: str) -> str:
    """Return the text in a colour, for a terminal.

    Args:
        text: The text.
        color: blue, yellow, pink, green or red.

    Raises:
        ValueError: If the colour is none of these.
    """
    if color not in _COLORS:
        raise ValueError(f"{color!r} is no colour here; use one of {', '.join(_COLORS)}.")
    return f"\x1b[{_COLORS[color]}m\x1b[1;3m{text}\x1b[0m"


def bold(text: str) -> str:
    """Return the text in bold, for a terminal."""
    return f"\x1b[1m{text}\x1b[0m"


class ProgressHandler(BaseCallbackHandler):
    """Writes what agents, tools and texts say.

    Args:
        color: The colour of what has none of its own.

    Raises:
        ValueError: If the colour is not known.
    """

    def __init__(self, color: str | None = None) -> None:
        if color is not None:
            colored("", color)
        self.color = color

    @abstractmethod
    def write(self, text: str, color: str | None = None, end: str = "") -> None:
        """Write a text.

        Args:
            text: The text.
            color: Its colour, where there are colours.
            end: Written after it.
        """

    def on_agent_action(self, action: Any, *, color: str | None = None, **kwargs: Any) -> Any:
        """Write what the agent thought."""
        self.write(action.log, color or self.color)

    def on_tool_end(
        self,
        output: Any,
        *,
        color: str | None = None,
        observation_prefix: str | None = None,
        llm_prefix: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Write the tool's output."""
        if observation_prefix is not None:
            self.write(f"\n{observation_prefix}")
        self.write(str(output), color or self.color)
        if llm_prefix is not None:
            self.write(f"\n{llm_prefix}")

    def on_text(self, text: str, *, color: str | None = None, end: str = "", **kwargs: Any) -> Any:
        """Write the text."""
        self.write(text, color or self.color, end)

    def on_agent_finish(self, finish: Any, *, color: str | None = None, **kwargs: Any) -> Any:
        """Write what the agent ended with."""
        self.write(finish.log, color or self.color, "\n")


class StdOutCallbackHandler(ProgressHandler):
    """Writes to standard output, in colour.

    Args:
        color: The colour of what has none of its own.
    """

    def write(self, text: str, color: str | None = None, end: str = "") -> None:
        """Write a text to standard output.

        Args:
            text: The text.
            color: Its colour.
            end: Written after it.
        """
        sys.stdout.write((text if color is None else colored(text, color)) + end)

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> Any:
        """Write that a chain was entered."""
        self.write("\n\n" + bold(f"> Entering new {_name(serialized, kwargs)} chain...") + "\n")

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> Any:
        """Write that a chain has finished."""
        self.write("\n" + bold("> Finished chain.") + "\n")


class FileCallbackHandler(ProgressHandler):
    """Writes to a file, without colour; close it, or use it as a context manager.

    Args:
        filename: The file.
        mode: a to append, w to begin anew.
        color: Accepted; a file has no colours.

    Raises:
        OSError: If the file cannot be opened.
    """

    def __init__(self, filename: str, mode: str = "a", color: str | None = None) -> None:
        super().__init__(color)
        self.filename = filename
        self.mode = mode
        self.file: TextIO = open(filename, mode, encoding="utf-8")  # type: ignore[assignment]  # noqa: SIM115 - closed by close

    def __enter__(self) -> FileCallbackHandler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is written afterwards."""
        self.file.close()

    def write(self, text: str, color: str | None = None, end: str = "") -> None:
        """Write a text to the file.

        Args:
            text: The text.
            color: Ignored.
            end: Written after it.

        Raises:
            ValueError: If the file is closed.
        """
        if self.file.closed:
            raise ValueError(f"{self.filename!r} is closed; give runs that still go on an open handler.")
        self.file.write(text + end)
        self.file.flush()

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> Any:
        """Write that a chain was entered."""
        self.write(f"\n\n> Entering new {_name(serialized, kwargs)} chain...\n")

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> Any:
        """Write that a chain has finished."""
        self.write("\n> Finished chain.\n")


class StreamingStdOutCallbackHandler(BaseCallbackHandler):
    """Writes each token of a model to standard output as it comes."""

    def on_chat_model_start(self, serialized: Any, messages: list[list[Any]], **kwargs: Any) -> Any:
        """Do nothing; tokens are what counts."""

    def on_llm_new_token(self, token: str, **kwargs: Any) -> Any:
        """Write the token at once."""
        sys.stdout.write(token)
        sys.stdout.flush()


def _name(serialized: Any, kwargs: dict[str, Any]) -> str:
    known = serialized or {}
    return str(kwargs.get("name") or known.get("name") or (known.get("id") or ["<unknown>"])[-1])
