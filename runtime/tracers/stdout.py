"""Tracers that write what happens, one text for each start, end and error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from ...tracing.callbacks.stdout import bold, colored
from ...tracing.callbacks.traced import TracedRun
from .base import BaseTracer

__all__ = ["ConsoleCallbackHandler", "FunctionCallbackHandler", "elapsed", "try_json_stringify"]


def try_json_stringify(value: Any, fallback: str) -> str:
    """Return a value as indented JSON, things that are not JSON as their text.

    Args:
        value: The value.
        fallback: Returned where that fails.
    """
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except Exception:  # noqa: BLE001 - a value of the user's may fail in any way
        return fallback


def elapsed(run: TracedRun) -> str:
    """Return how long a run took: in milliseconds below a second, else in seconds."""
    if run.end_time is None:
        return "..."
    seconds = (run.end_time - run.start_time).total_seconds()
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"


class FunctionCallbackHandler(BaseTracer):
    """Gives each text to a function.

    Args:
        function: Called with the text.
        kwargs: Passed on to the tracer.
    """

    name = "function_callback_handler"

    def __init__(self, function: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function_callback = function

    def _persist_run(self, run: TracedRun) -> None:
        pass

    def get_parents(self, run: TracedRun) -> list[TracedRun]:
        """Return the runs above a run that are under way, the nearest first.

        Args:
            run: The run.
        """
        parents: list[TracedRun] = []
        while run.parent_run_id is not None and (above := self.run_map.get(str(run.parent_run_id))) is not None:
            parents.append(above)
            run = above
        return parents

    def get_breadcrumbs(self, run: TracedRun) -> str:
        """Return the way from the outermost run down to a run.

        Args:
            run: The run.
        """
        return " > ".join(f"{each.run_type}:{each.name}" for each in [*self.get_parents(run)[::-1], run])

    def _write(self, run: TracedRun, what: str, color: str, text: str, value: Any) -> None:
        head = colored(f"[{run.run_type}/{what}]", color)
        self.function_callback(f"{head} {bold(f'[{self.get_breadcrumbs(run)}] {text}:' + chr(10))}{value}")

    def _start(self, run: TracedRun) -> None:
        shown = try_json_stringify(run.inputs, "[inputs]")
        self._write(run, "start", "green", f"Entering {_kind(run)} run with input", shown)

    def _end(self, run: TracedRun) -> None:
        shown = try_json_stringify(run.outputs, "[outputs]")
        self._write(run, "end", "blue", f"[{elapsed(run)}] Exiting {_kind(run)} run with output", shown)

    def _error(self, run: TracedRun) -> None:
        shown = try_json_stringify(run.error, "[error]")
        self._write(run, "error", "red", f"[{elapsed(run)}] {_kind(run)} run errored with error", shown)

    _on_chain_start = _on_llm_start = _on_chat_model_start = _on_tool_start = _on_retriever_start = _start
    _on_chain_end = _on_llm_end = _on_tool_end = _on_retriever_end = _end
    _on_chain_error = _on_llm_error = _on_tool_error = _on_retriever_error = _error


class ConsoleCallbackHandler(FunctionCallbackHandler):
    """Writes each text to standard output.

    Args:
        kwargs: Passed on to the tracer.
    """

    name = "console_callback_handler"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_print, **kwargs)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _kind(run: TracedRun) -> str:
    return "LLM" if run.run_type == "llm" else run.run_type.replace("_", " ").capitalize()
