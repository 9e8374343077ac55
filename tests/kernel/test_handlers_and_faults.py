"""Handlers in order and apart; nothing that is plugged into tracing can break a run unless it asks to."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import StatusCode

from spanloom.runtime.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    adispatch_custom_event,
    dispatch_custom_event,
    encode,
    otel,
)
from spanloom.tracing.callbacks import dispatch
from spanloom.tracing.ids import WANTED

HOOKS = ["on_chain_start", "on_chain_end", "on_chain_error", "on_custom_event"]


class Noting(BaseCallbackHandler):
    """Notes each hook with the run's name or id, and raises where told."""

    def __init__(self, notes: list[Any], fails_at: str = "", raises: bool = False, who: str = "") -> None:
        self.notes, self.fails_at, self.raise_error, self.who = notes, fails_at, raises, who
        self.names: dict[Any, str] = {}

    def note(self, hook: str, run_id: Any, name: str | None = None) -> None:
        if name is not None:
            self.names[run_id] = name
        self.notes.append((*([self.who] if self.who else []), hook, self.names[run_id]))
        if hook == self.fails_at:
            raise LookupError(f"handler failed at {hook}")

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, **kwargs: Any) -> Any:
        self.note("on_chain_start", run_id, kwargs["name"])

    def on_chain_end(self, outputs: Any, *, run_id: Any, **kwargs: Any) -> Any:
        self.note("on_chain_end", run_id)

    def on_chain_error(self, error: Any, *, run_id: Any, **kwargs: Any) -> Any:
        self.note("on_chain_error", run_id)

    def on_custom_event(self, name: str, data: Any, *, run_id: Any, **kwargs: Any) -> Any:
        self.note("on_custom_event", run_id)


class AsyncNoting(AsyncCallbackHandler, Noting):
    """The same, awaited."""

    async def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        self.note("on_chain_start", run_id, kwargs["name"])

    async def on_chain_end(self, outputs: Any, *, run_id: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        self.note("on_chain_end", run_id)

    async def on_chain_error(self, error: Any, *, run_id: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        self.note("on_chain_error", run_id)

    async def on_custom_event(self, name: str, data: Any, *, run_id: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        self.note("on_custom_event", run_id)


def tell(value: Any) -> Any:
    dispatch_custom_event("told", value)
    if value == "fail":
        raise ValueError("the step's own")
    return value


async def atell(value: Any) -> Any:
    await adispatch_custom_event("told", value)
    if value == "fail":
        raise ValueError("the step's own")
    return value


WAYS = ["invoke", "stream", "ainvoke", "astream", "astream_events"]


async def driven(chain: Runnable[Any, Any], way: str, value: Any, config: Any) -> Any:
    if way == "invoke":
        return chain.invoke(value, config)
    if way == "stream":
        return list(chain.stream(value, config))[-1]
    if way == "ainvoke":
        return await chain.ainvoke(value, config)
    if way == "astream":
        return [chunk async for chunk in chain.astream(value, config)][-1]
    return [r async for r in chain.astream_events(value, config, version="v2")][-1]["data"]["output"]


def chain_for(way: str) -> Runnable[Any, Any]:
    step = RunnableLambda(tell, atell) if way[0] == "a" else RunnableLambda(tell)
    return (RunnablePassthrough() | step).with_config(run_name="chain")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanloom.tracing.log._told", set())


@pytest.mark.parametrize("value", ["x", "fail"])
@pytest.mark.parametrize("fails_at", HOOKS)
@pytest.mark.parametrize("kind", [Noting, AsyncNoting])
@pytest.mark.parametrize("way", WAYS)
async def test_a_failing_handler_is_counted_told_once_and_skipped(
    way: str, kind: type[Noting], fails_at: str, value: str, spans: SpanRecorder, caplog: Any, quiet: None
) -> None:
    """The run goes on, ends once, and the next handler is called all the same."""
    caplog.set_level(logging.INFO)
    first: list[Any] = []
    second: list[Any] = []
    before = dispatch.counts["handler_errors"]
    config = {"callbacks": [kind(first, fails_at), Noting(second)]}
    for _ in range(2):
        if value == "fail":
            with pytest.raises(ValueError, match="the step's own"):
                await driven(chain_for(way), way, value, config)
        else:
            assert await driven(chain_for(way), way, value, config) == "x"
    assert first == second != []
    failed = sum(hook == fails_at for hook, _ in first)
    assert dispatch.counts["handler_errors"] - before == failed
    assert len(caplog.records) == (1 if failed else 0)
    assert spans.started == len(spans) == 6
    assert {span.outcome for span in spans if span.name == "chain"} == {"error" if value == "fail" else "ok"}


@pytest.mark.parametrize("fails_at", HOOKS)
@pytest.mark.parametrize("kind", [Noting, AsyncNoting])
@pytest.mark.parametrize("way", WAYS)
async def test_a_handler_may_ask_that_its_errors_are_raised(
    way: str, kind: type[Noting], fails_at: str, spans: SpanRecorder
) -> None:
    """Then they reach the caller, and every run still ends once."""
    value = "fail" if fails_at == "on_chain_error" else "x"
    with pytest.raises(LookupError, match=fails_at):
        await driven(chain_for(way), way, value, {"callbacks": [kind([], fails_at, raises=True)]})
    assert spans.started == len(spans) >= 1


@pytest.mark.parametrize("kind", [Noting, AsyncNoting])
@pytest.mark.parametrize("way", WAYS)
async def test_hooks_come_in_the_order_of_the_signals_and_of_the_handlers(way: str, kind: type[Noting]) -> None:
    """Whether handlers and calls are blocking or not."""
    notes: list[Any] = []
    await driven(chain_for(way), way, "x", {"callbacks": [kind(notes, who="1"), Noting(notes, who="2")]})
    told = [note[1:] for note in notes if note[0] == "1"]
    assert notes == [(who, *note) for note in told for who in "12"]
    assert told[0] == ("on_chain_start", "chain")
    assert told[-1] == ("on_chain_end", "chain")
    for name in ("RunnablePassthrough", "tell"):
        assert told.index(("on_chain_start", name)) < told.index(("on_chain_end", name))
    step = [hook for hook, name in told if name == "tell"]
    assert step == ["on_chain_start", "on_custom_event", "on_chain_end"]


@pytest.mark.parametrize("inline", [False, True])
async def test_a_blocking_handler_does_not_hold_up_the_loop(inline: bool) -> None:
    """Other tasks go on while it works, unless it asks to run on the loop itself."""
    beats = 0
    seen: list[int] = []

    class Slow(BaseCallbackHandler):
        run_inline = inline

        def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            import time

            begun = beats
            time.sleep(0.05)
            seen.append(beats - begun)

    async def heart() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(heart())
    await chain_for("ainvoke").ainvoke("x", {"callbacks": [Slow()]})
    task.cancel()
    assert len(seen) == 3
    assert all((count == 0) is inline for count in seen)


class Awkward(BaseCallbackHandler):
    """A handler whose very flags fail."""

    @property
    def ignore_chain(self) -> bool:
        raise LookupError("no flag")


@pytest.mark.parametrize("handler", [Awkward(), object()], ids=["failing flag", "no hooks at all"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_handler_that_is_hardly_one_breaks_nothing(way: str, handler: Any, spans: SpanRecorder) -> None:
    """What it lacks is its own affair."""
    assert await driven(chain_for(way), way, "x", {"callbacks": [handler]}) == "x"
    assert spans.started == len(spans) == 3


class Hostile:
    """Nothing can be read of it."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise LookupError(name)

    def __repr__(self) -> str:
        raise LookupError("repr")

    def __add__(self, other: Any) -> Any:
        raise LookupError("add")


class BadError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise LookupError("str")


@pytest.fixture
def redactor() -> Iterator[None]:
    def raises(value: Any) -> Any:
        raise LookupError("redactor")

    encode.set_redactor(raises)
    yield
    encode.set_redactor(None)


@pytest.mark.parametrize("way", WAYS)
async def test_values_that_cannot_be_encoded_or_redacted_are_withheld(
    way: str, spans: SpanRecorder, redactor: None, caplog: Any, quiet: None
) -> None:
    """The redactor fails closed, one log line tells it, and metadata of any kind stays an attribute."""
    caplog.set_level(logging.INFO)
    config = {"metadata": {"secret": "hunter2", "nan": float("nan")}}
    assert await driven(chain_for(way), way, "hunter2", config) == "hunter2"
    assert len(spans) == 3
    assert all("hunter2" not in (span.journal or "") for span in spans)
    assert all("hunter2" not in str(span.attributes) for span in spans)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_a_value_that_cannot_be_looked_at_passes_through(way: str, spans: SpanRecorder, caplog: Any) -> None:
    """As input, chunk and output; a stream of them is not added up, and not broken."""
    value = Hostile()
    step = RunnableGenerator(twice)
    result = await driven(RunnablePassthrough() | step, way, value, {}) if way in ("stream", "astream") else value
    assert result is value
    chain = RunnablePassthrough() | RunnableLambda(lambda v: v)
    if way != "astream_events":
        assert await driven(chain, way, value, {}) is value
    assert spans.started == len(spans)
    assert {span.outcome for span in spans} <= {"ok"}


def twice(chunks: Any) -> Any:
    for chunk in chunks:
        yield chunk
        yield chunk


@pytest.mark.parametrize("way", WAYS)
async def test_an_exception_that_cannot_be_shown_is_an_error_like_any_other(way: str, spans: SpanRecorder) -> None:
    """It reaches the caller; the span has the status and the class."""
    error = BadError()

    def fails(value: Any) -> Any:
        raise error

    with pytest.raises(BadError) as caught:
        await driven(RunnablePassthrough() | RunnableLambda(fails), way, 1, {})
    assert caught.value is error
    span = spans.one("fails")
    assert span.outcome == "error"
    assert span.span.status.status_code is StatusCode.ERROR
    assert span.span.status.description == "BadError: <cannot be shown>"


class Failing(SpanProcessor):
    """Raises where told."""

    def __init__(self, at: str) -> None:
        self.at = at

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self.at == "start":
            raise LookupError("on_start")

    def on_end(self, span: Any) -> None:
        if self.at == "end":
            raise LookupError("on_end")


class FailingSampler(Sampler):
    """Cannot decide."""

    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        raise LookupError("sampler")

    def get_description(self) -> str:
        return "FailingSampler"


@pytest.mark.parametrize("at", ["start", "end", "sampler"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_failing_span_processor_or_sampler_breaks_no_run(way: str, at: str, caplog: Any, quiet: None) -> None:
    """Counted and told once; no wish for ids is left over for somebody else's span."""
    caplog.set_level(logging.INFO)
    before = otel.counts["span_errors"]
    with SpanRecorder(sampler=FailingSampler() if at == "sampler" else None) as spans:
        spans.provider.add_span_processor(Failing(at))
        assert await driven(chain_for(way), way, "x", {}) == "x"
        assert await RunnableParallel(a=tell, b=tell).ainvoke("x") == {"a": "x", "b": "x"}
    assert WANTED.get() is None
    assert otel.counts["span_errors"] - before == 6
    assert len(caplog.records) == 1
