"""Listeners: functions told of one runnable's own runs, when they start, end and fail.

A listener is bound to one call: the first run that starts under it is the run it speaks of; runs below that one are
seen as its `child_runs` and not told. The start function has returned before the body begins, the others before the
caller gets the value. What a function raises is counted and logged once, and changes nothing.

Blocking functions of a run on an event loop run in a worker thread; coroutine functions of a blocking run are run to
their end.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from .book import RunBook
from .handlers import BaseCallbackHandler
from .traced import TracedRun, keyed, plain

__all__ = ["Listener", "Tellers", "Told", "tellers"]

Tellers = Mapping[str, tuple[Callable[..., Any], bool]]
"""start, end and error -> the function to tell, and whether it takes the config too."""

Told = Any
"""What a hook gives back: nothing, or what is to be awaited."""


def tellers(**functions: Callable[..., Any] | None) -> Tellers:
    """Return listener functions as a listener wants them.

    Args:
        functions: start, end and error; None where nobody is to be told.

    Raises:
        TypeError: If one can be called neither with a run nor with a run and a config.
    """
    return {what: (function, _takes_config(function)) for what, function in functions.items() if function is not None}


def _takes_config(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin that does not tell
        return False
    positional = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes = len(positional) > 1 and (positional[1].default is positional[1].empty or positional[1].name == "config")
    try:
        signature.bind(*range(2 if takes else 1))
    except TypeError as err:
        raise TypeError(
            f"{function!r} takes {signature}; a listener takes the run, or the run and its config."
        ) from err
    return takes


class Listener(BaseCallbackHandler):
    """The handler behind the listeners of one call.

    Args:
        tellers: The functions.
        config: The config of the call, for functions that take it.
        is_async: Whether the functions are coroutine functions.
    """

    run_inline = True

    def __init__(self, tellers: Tellers, config: Mapping[str, Any], is_async: bool = False) -> None:
        self._tellers = tellers
        self._config = config
        self._is_async = is_async
        self._book = RunBook()
        self._root: UUID | None = None

    def _tell(self, what: str, run: TracedRun) -> Told:
        if run.id != self._root or what not in self._tellers:
            return None
        function, takes_config = self._tellers[what]
        args = (run, self._config) if takes_config else (run,)
        if self._is_async:
            return _awaited(function(*args))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            function(*args)
            return None
        return asyncio.to_thread(function, *args)

    def _start(self, run_type: str, serialized: Any, inputs: Any, hook: Mapping[str, Any]) -> Told:
        run = self._book.start(run_type, serialized, inputs, hook)
        if self._root is None:
            self._root = run.id
        return self._tell("start", run)

    def _end(self, run_id: UUID, outputs: Any, inputs: Any = None) -> Told:
        run = self._book.end(run_id, outputs, inputs)
        self._book.drop(run)
        return self._tell("end", run)

    def _error(self, error: BaseException, hook: Mapping[str, Any]) -> Told:
        if hook.get("signal"):  # a guardrail's notice: the run goes on
            self._book.notice(error, hook)
            return None
        run = self._book.fail(hook["run_id"], error, hook.get("response"))
        self._book.drop(run)
        return self._tell("error", run)

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> Told:
        """Note a run that starts, and tell if it is the one."""
        return self._start(kwargs.get("run_type") or "chain", serialized, keyed(inputs, "input"), kwargs)

    def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> Told:
        """Note a text model's run that starts, and tell if it is the one."""
        return self._start("llm", serialized, {"prompts": prompts}, kwargs)

    def on_chat_model_start(self, serialized: Any, messages: list[list[Any]], **kwargs: Any) -> Told:
        """Note a chat model's run that starts, and tell if it is the one."""
        return self._start("chat_model", serialized, {"messages": plain(messages)}, kwargs)

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> Told:
        """Note a tool's run that starts, and tell if it is the one."""
        inputs = kwargs.get("inputs")
        return self._start("tool", serialized, keyed(input_str if inputs is None else inputs, "input"), kwargs)

    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> Told:
        """Note a retriever's run that starts, and tell if it is the one."""
        return self._start("retriever", serialized, {"query": query}, kwargs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> Told:
        """Note a run that ended well, and tell if it is the one."""
        return self._end(run_id, outputs, inputs)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> Told:
        """Note a model's run that ended well, and tell if it is the one."""
        return self._end(run_id, plain(response))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Told:
        """Note a tool's run that ended well, and tell if it is the one."""
        return self._end(run_id, {"output": output})

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> Told:
        """Note a retriever's run that ended well, and tell if it is the one."""
        return self._end(run_id, {"documents": documents})

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> Told:
        """Note a run that an exception ended, and tell if it is the one."""
        return self._error(error, kwargs)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Told:
        """Note a model's run that an exception ended, and tell if it is the one."""
        return self._error(error, kwargs)

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> Told:
        """Note a tool's run that an exception ended, and tell if it is the one."""
        return self._error(error, kwargs)

    def on_retriever_error(self, error: BaseException, **kwargs: Any) -> Told:
        """Note a retriever's run that an exception ended, and tell if it is the one."""
        return self._error(error, kwargs)


async def _awaited(result: Awaitable[Any] | Any) -> None:
    if inspect.isawaitable(result):
        await result
