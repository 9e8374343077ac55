"""Calling handlers: in order, isolated from each other and from the run.

A hook that raises is told once and skipped, unless its handler sets `raise_error`. On an event loop a synchronous hook
runs in a worker thread, so that it cannot block other tasks, unless `run_inline` is set; from blocking code a coroutine
hook is run to its end before the run goes on.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, NamedTuple

from .. import log
from ..run import UNKNOWN
from ..scope import RunScope

__all__ = [
    "Call",
    "aemit",
    "counts",
    "custom_call",
    "emit",
    "end_call",
    "error_call",
    "notice_call",
    "on_messages",
    "start_call",
    "token_call",
]

_FAMILIES = {"llm": "llm", "chat_model": "llm", "tool": "tool", "retriever": "retriever"}
_IGNORE = {"llm": "ignore_llm", "tool": "ignore_agent", "retriever": "ignore_retriever", "chain": "ignore_chain"}
_to_text: list[Callable[[Any], str]] = []

counts: dict[str, int] = {"handler_errors": 0}
"""How many hooks have raised in this process."""


class Call(NamedTuple):
    """One hook call to make on every handler.

    Args:
        hook: The hook's name.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        ignore: The flag by which a handler skips it; empty for none.
    """

    hook: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    ignore: str


def on_messages(to_text: Callable[[Any], str]) -> None:
    """Register how a list of messages reads as text, for handlers that know text models only.

    Args:
        to_text: Given the messages, returns the text.
    """
    _to_text[:] = [to_text]


def _about(scope: RunScope) -> dict[str, Any]:
    run = scope.run
    parent = run.parent
    return {"run_id": run.uuid, "parent_run_id": None if parent is None else parent.uuid, "tags": list(run.tags)}


def start_call(scope: RunScope, value: Any) -> Call:
    """Return the call for a run's start.

    Args:
        scope: The run; its `details` may hold `serialized` and `start` (positional arguments of the hook).
        value: The input, or `UNKNOWN`.
    """
    run, details = scope.run, scope.details or {}
    family = _FAMILIES.get(run.type, "chain")
    kwargs = {**_about(scope), "metadata": dict(run.metadata), "name": run.name, **details.get("start_kwargs", {})}
    args = (details.get("serialized"), *details.get("start", ({"input": ""} if value is UNKNOWN else value,)))
    if family == "chain":
        kwargs["run_type"] = None if run.type == "chain" else run.type
    if run.type == "chat_model":
        return Call("on_chat_model_start", args, kwargs, "ignore_chat_model")
    return Call(f"on_{family}_start", args, kwargs, _IGNORE[family])


def end_call(scope: RunScope, output: Any, late_input: Any = UNKNOWN) -> Call:
    """Return the call for a run that ended well.

    Args:
        scope: The run; its `details` may hold `end`, what the hook gets instead of the output.
        output: The output.
        late_input: The input, where it became known only at the end.
    """
    family = _FAMILIES.get(scope.run.type, "chain")
    kwargs = _about(scope)
    if late_input is not UNKNOWN:
        kwargs["inputs"] = late_input
    details = scope.details or {}
    return Call(f"on_{family}_end", (details.get("end", output),), kwargs, _IGNORE[family])


def error_call(scope: RunScope, error: BaseException) -> Call:
    """Return the call for a run that ended by an exception.

    Args:
        scope: The run; its `details` may hold `error_kwargs`, such as the `response` that a model had given until then.
        error: The exception.
    """
    family = _FAMILIES.get(scope.run.type, "chain")
    details = scope.details or {}
    kwargs = {**_about(scope), **details.get("error_kwargs", {})}
    if family == "tool":
        kwargs["tool_call_id"] = details.get("tool_call_id")
    return Call(f"on_{family}_error", (error,), kwargs, _IGNORE[family])


def notice_call(scope: RunScope, error: BaseException, reason: str, trace: Any) -> Call:
    """Return the call that tells of something in a run that goes on; the same hook for every type of run.

    Args:
        scope: The run.
        error: What it is, as an exception that nobody raises.
        reason: Why, in one word.
        trace: What the provider told of it.
    """
    kwargs = {**_about(scope), "reason": reason, "trace": trace, "signal": True}
    return Call("on_llm_error", (error,), kwargs, "ignore_llm")


def token_call(scope: RunScope, token: str, chunk: Any) -> Call:
    """Return the call for a model's token.

    Args:
        scope: The run.
        token: The token's text.
        chunk: The whole chunk.
    """
    return Call("on_llm_new_token", (token,), {**_about(scope), "chunk": chunk}, "ignore_llm")


def custom_call(scope: RunScope, name: str, data: Any) -> Call:
    """Return the call for a custom event.

    Args:
        scope: The run it belongs to.
        name: Its name.
        data: Its data.
    """
    run = scope.run
    about = {"run_id": run.uuid, "tags": list(run.handed[0]), "metadata": dict(run.handed[1])}
    return Call("on_custom_event", (name, data), about, "ignore_custom_event")


def emit(handlers: tuple[Any, ...], call: Call) -> None:
    """Make the call on every handler, from blocking code.

    Args:
        handlers: The handlers, in order.
        call: The call.

    Raises:
        BaseException: What a handler with `raise_error` raised.
    """
    for handler in handlers:
        try:
            if call.ignore and getattr(handler, call.ignore, False):
                continue
            result = _hook(handler, call)
            if inspect.iscoroutine(result):
                _run_to_end(result)
        except NotImplementedError as exc:
            if call.hook == "on_chat_model_start":
                emit((handler,), _as_text(call))
            else:
                _failed(handler, call, exc)
        except Exception as exc:  # noqa: BLE001 - a handler never breaks a run
            _failed(handler, call, exc)


async def aemit(handlers: tuple[Any, ...], call: Call) -> None:
    """Make the call on every handler, on the event loop.

    Args:
        handlers: The handlers, in order.
        call: The call.

    Raises:
        BaseException: What a handler with `raise_error` raised.
    """
    for handler in handlers:
        try:
            if call.ignore and getattr(handler, call.ignore, False):
                continue
            if inspect.iscoroutinefunction(getattr(handler, call.hook, None)) or getattr(handler, "run_inline", False):
                result = _hook(handler, call)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(None, _in_copy, copy_context(), handler, call)
            if inspect.isawaitable(result):
                await result
        except NotImplementedError as exc:
            if call.hook == "on_chat_model_start":
                await aemit((handler,), _as_text(call))
            else:
                _failed(handler, call, exc)
        except Exception as exc:  # noqa: BLE001 - a handler never breaks a run
            _failed(handler, call, exc)


def _in_copy(context: Context, handler: Any, call: Call) -> Any:
    return context.run(_hook, handler, call)


def _hook(handler: Any, call: Call) -> Any:
    return getattr(handler, call.hook)(*call.args, **call.kwargs)


def _as_text(call: Call) -> Call:
    serialized, conversations = call.args
    texts = [_to_text[0](messages) if _to_text else str(messages) for messages in conversations]
    return Call("on_llm_start", (serialized, texts), call.kwargs, "ignore_llm")


def _failed(handler: Any, call: Call, error: Exception) -> None:
    counts["handler_errors"] += 1
    if getattr(handler, "raise_error", False):
        raise error
    name = type(handler).__name__
    log.warn_once(
        "callbacks", f"{name}.{call.hook}", "a handler failed", handler=name, hook=call.hook, error=repr(error)
    )


def _run_to_end(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine from blocking code, in a thread of its own when a loop is running here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
        return
    import threading

    failure: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as exc:  # noqa: BLE001 - handed to the caller
            failure.append(exc)

    thread = threading.Thread(target=copy_context().run, args=(target,), name="spanloom-handler")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
