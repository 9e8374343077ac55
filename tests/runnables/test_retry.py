"""Retry: attempts as child runs, waits by the clock of the driver, streams tried again before their first chunk."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spanloom.runtime.language_models import ScriptedChatModel
from spanloom.runtime.runnables import (
    Runnable,
    RunnableBinding,
    RunnableGenerator,
    RunnableLambda,
    RunnableRetry,
    io_blocking,
    io_loop,
)
from spanloom.runtime.runnables import retry as retry_module
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

WAITS = {"initial": 2.0, "max": 5.0, "exp_base": 2.0, "jitter": 0.0}


class Flaky:
    """Fails so many times, then gives the input with how often it was called."""

    __name__ = "flaky"

    def __init__(self, failures: int, kind: type[BaseException] = ValueError) -> None:
        self.failures, self.kind, self.calls = failures, kind, 0

    def __call__(self, value: Any) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.kind(f"attempt {self.calls}")
        return f"{value}:{self.calls}"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []

    async def on_loop(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(io_blocking, "pause", waited.append)
    monkeypatch.setattr(io_loop, "pause", on_loop)
    return waited


def called(chain: Runnable[Any, Any], mode: str, value: Any, config: Any = None) -> Any:
    """What the chain gives, by the method named; chunks of a stream as a list."""

    async def chunks() -> list[Any]:
        return [chunk async for chunk in chain.astream(value, config)]

    if mode == "invoke":
        return chain.invoke(value, config)
    if mode == "stream":
        return list(chain.stream(value, config))
    return asyncio.run(chunks()) if mode == "astream" else asyncio.run(chain.ainvoke(value, config))


def streamed(chain: Runnable[Any, Any], value: Any) -> list[dict[str, Any]]:
    """The live records, which must be what replay gives."""
    records = []

    async def read() -> None:
        try:
            async for record in chain.astream_events(value, version="v2"):
                records.append(record)
        except ValueError:
            pass

    with SpanRecorder() as spans:
        asyncio.run(read())
        live = json.dumps([canonical(record) for record in records], sort_keys=True)
        assert json.dumps(spans.records(), sort_keys=True) == live
    return records


def seen(records: list[dict[str, Any]]) -> list[Any]:
    """Event, name, tags, data, and which run below which, by number."""
    ids = {run_id: n for n, run_id in enumerate(dict.fromkeys(record["run_id"] for record in records))}
    return [
        (r["event"], r["name"], r["tags"], r["data"], ids[r["run_id"]], [ids[p] for p in r["parent_ids"]])
        for r in records
    ]


@pytest.mark.row("B3.19")
def test_a_function_that_fails_once_is_called_twice() -> None:
    """The documented example: the count is 2."""
    count = 0

    def _lambda(x: int) -> None:
        nonlocal count
        count += 1
        if x == 1:
            raise ValueError("x is 1")

    runnable = RunnableLambda(_lambda).with_retry(
        retry_if_exception_type=(ValueError,), stop_after_attempt=2, wait_exponential_jitter=False
    )
    with pytest.raises(ValueError, match="x is 1"):
        runnable.invoke(1)
    assert count == 2


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_attempts_are_child_runs_and_the_span_tells_of_them(mode: str, waits: list[float]) -> None:
    """The wrapper repeats the name; it tells attempts, reason and waits, each failed attempt is an event on it."""
    chain = RunnableLambda(Flaky(2)).with_retry(exponential_jitter_params=WAITS)
    with SpanRecorder() as spans:
        assert called(chain, mode, "v") == "v:3"
    assert spans.tree() == [("flaky", [("flaky", []), ("flaky", []), ("flaky", [])])]
    *attempts, outer = spans
    assert [span.attributes.get("spanloom.run.step") for span in attempts] == [
        None,
        "retry:attempt:2",
        "retry:attempt:3",
    ]
    assert [span.outcome for span in attempts] == ["error", "error", "ok"]
    told = {key: value for key, value in outer.attributes.items() if "retry" in key}
    assert told == {
        "spanloom.retry.attempts": 3,
        "spanloom.retry.reason": "ValueError",
        "spanloom.retry.total_delay_s": 6.0,
    }
    assert [(event.name, dict(event.attributes or {})) for event in outer.span.events] == [
        (
            "spanloom.retry",
            {"spanloom.retry.attempt": n, "spanloom.retry.delay_s": delay, "exception.type": "ValueError"},
        )
        for n, delay in ((1, 2.0), (2, 4.0))
    ]
    assert waits == [2.0, 4.0]


def test_the_events_of_a_retry_inside_a_step() -> None:
    """As the reference gives them: attempts below the wrapper, which ends like the last of them."""
    retried = RunnableLambda(Flaky(1)).with_retry(wait_exponential_jitter=False).with_config(tags=["t"])

    async def outer(value: Any) -> Any:
        return await retried.ainvoke(value)

    done = {"input": "v", "output": "v:2"}
    assert seen(streamed(RunnableLambda(outer), "v")) == [
        ("on_chain_start", "outer", [], {"input": "v"}, 0, []),
        ("on_chain_start", "flaky", ["t"], {"input": "v"}, 1, [0]),
        ("on_chain_start", "flaky", ["t"], {"input": "v"}, 2, [0, 1]),
        ("on_chain_start", "flaky", ["retry:attempt:2", "t"], {"input": "v"}, 3, [0, 1]),
        ("on_chain_end", "flaky", ["retry:attempt:2", "t"], done, 3, [0, 1]),
        ("on_chain_end", "flaky", ["t"], done, 1, [0]),
        ("on_chain_stream", "outer", [], {"chunk": "v:2"}, 0, []),
        ("on_chain_end", "outer", [], {"output": "v:2"}, 0, []),
    ]


def test_a_streamed_retry_that_need_not_retry_gives_the_events_of_the_bound_one_alone() -> None:
    """As in the reference, where a retry is not seen in a stream."""
    assert seen(streamed(RunnableLambda(Flaky(0)).with_retry(), "v")) == [
        ("on_chain_start", "flaky", [], {"input": "v"}, 0, []),
        ("on_chain_stream", "flaky", [], {"chunk": "v:1"}, 0, []),
        ("on_chain_end", "flaky", [], {"output": "v:1"}, 0, []),
    ]


def test_a_step_of_a_stream_is_tried_again_before_its_first_chunk() -> None:
    """The next attempt reads the same input and stands beside the first."""

    def same(value: Any) -> Any:
        return value

    chain = RunnableLambda(same) | RunnableLambda(Flaky(1)).with_retry(wait_exponential_jitter=False)
    again = ["seq:step:2", "retry:attempt:2"]
    assert seen(streamed(chain, "v")) == [
        ("on_chain_start", "RunnableSequence", [], {"input": "v"}, 0, []),
        ("on_chain_start", "same", ["seq:step:1"], {}, 1, [0]),
        ("on_chain_stream", "same", ["seq:step:1"], {"chunk": "v"}, 1, [0]),
        ("on_chain_start", "flaky", ["seq:step:2"], {}, 2, [0]),
        ("on_chain_end", "same", ["seq:step:1"], {"input": "v", "output": "v"}, 1, [0]),
        ("on_chain_start", "flaky", again, {}, 3, [0]),
        ("on_chain_stream", "flaky", again, {"chunk": "v:2"}, 3, [0]),
        ("on_chain_stream", "RunnableSequence", [], {"chunk": "v:2"}, 0, []),
        ("on_chain_end", "flaky", again, {"input": "v", "output": "v:2"}, 3, [0]),
        ("on_chain_end", "RunnableSequence", [], {"output": "v:2"}, 0, []),
    ]


def test_a_root_that_is_tried_again_in_a_stream_replays() -> None:
    """Its attempts are root runs of one trace; the stream shows the caller's input once."""
    assert seen(streamed(RunnableLambda(Flaky(1)).with_retry(wait_exponential_jitter=False), "v")) == [
        ("on_chain_start", "flaky", [], {"input": "v"}, 0, []),
        ("on_chain_start", "flaky", ["retry:attempt:2"], {}, 1, []),
        ("on_chain_stream", "flaky", ["retry:attempt:2"], {"chunk": "v:2"}, 1, []),
        ("on_chain_end", "flaky", ["retry:attempt:2"], {"input": "v", "output": "v:2"}, 1, []),
    ]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_span_that_is_no_run_groups_the_attempts_at_a_stream(mode: str, waits: list[float]) -> None:
    """It has no journal and no run id; the runs in it are root runs in one trace."""
    chain = RunnableLambda(Flaky(1)).with_retry(exponential_jitter_params=WAITS)
    with SpanRecorder() as spans:
        assert called(chain, mode, "v") == ["v:2"]
    assert spans.tree() == [("retry flaky", [("flaky", []), ("flaky", [])])]
    group = spans.one("retry flaky")
    assert group.journal is None
    assert group.attributes == {
        "spanloom.retry.attempts": 2,
        "spanloom.retry.reason": "ValueError",
        "spanloom.retry.total_delay_s": 2.0,
    }
    assert waits == [2.0]
    assert all("spanloom.run.parent_id" not in span.attributes for span in spans)


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_after_the_first_chunk_a_stream_is_not_tried_again(mode: str) -> None:
    """What has been given cannot be taken back."""
    begun = []

    def half(chunks: Any) -> Iterator[str]:
        for chunk in chunks:
            begun.append(chunk)
            yield "half"
            raise ValueError("the rest is lost")

    chain = RunnableGenerator(half).with_retry(wait_exponential_jitter=False)
    with SpanRecorder() as spans, pytest.raises(ValueError, match="the rest is lost"):
        called(chain, mode, "v")
    assert begun == ["v"]
    assert spans.tree() == [("retry half", [("half", [])])]
    assert spans.one("half").outcome == "error"


@pytest.mark.parametrize("mode", ["transform", "atransform"])
def test_input_read_by_a_failed_attempt_is_read_again(mode: str) -> None:
    """And what was not read yet comes once, from where the stream stands."""
    attempts = []

    async def two_then_all(chunks: Any) -> AsyncIterator[str]:
        attempts.append(read := [])  # type: ignore[var-annotated]
        async for chunk in chunks:
            read.append(chunk)
            if len(attempts) == 1 and len(read) == 2:
                raise ValueError("again")
        yield "".join(read)

    def blocking(chunks: Any) -> Iterator[str]:
        attempts.append(read := [])  # type: ignore[var-annotated]
        for chunk in chunks:
            read.append(chunk)
            if len(attempts) == 1 and len(read) == 2:
                raise ValueError("again")
        yield "".join(read)

    async def letters() -> AsyncIterator[str]:
        for letter in "abc":
            yield letter

    async def on_loop() -> list[Any]:
        chain = RunnableGenerator(two_then_all).with_retry(wait_exponential_jitter=False)
        return [chunk async for chunk in chain.atransform(letters())]

    if mode == "transform":
        chain = RunnableGenerator(blocking).with_retry(wait_exponential_jitter=False)
        assert list(chain.transform(iter("abc"))) == ["abc"]
    else:
        assert asyncio.run(on_loop()) == ["abc"]
    assert attempts == [["a", "b"], ["a", "b", "c"]]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_leaving_a_retried_stream_closes_the_attempt(mode: str, spans: SpanRecorder) -> None:
    """The attempt ends as abandoned, the group ends, nothing stays current."""
    retried = _nine().with_retry()

    async def leave() -> None:
        stream = retried.astream("v")
        assert await anext(stream) == "v0"
        await stream.aclose()  # type: ignore[attr-defined]

    if mode == "stream":
        stream = retried.stream("v")
        assert next(stream) == "v0"
        stream.close()  # type: ignore[attr-defined]
    else:
        asyncio.run(leave())
    assert spans.tree() == [("retry nine", [("nine", [])])]
    assert spans.one("nine").outcome == "abandoned"
    assert spans.started == len(spans) == 2


def _nine() -> Runnable[Any, Any]:
    def nine(chunks: Any) -> Iterator[str]:
        for chunk in chunks:
            for n in range(9):
                yield f"{chunk}{n}"

    return RunnableGenerator(nine)


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span."""
    with SpanRecorder() as recorder:
        yield recorder


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("failures", [3, 1])
def test_the_last_failure_and_exceptions_of_other_kinds_are_raised(mode: str, failures: int) -> None:
    """After three attempts, or at once for a kind that is not named."""
    kind = ValueError if failures == 3 else KeyError
    flaky = Flaky(failures, kind)
    chain = RunnableLambda(flaky).with_retry(
        retry_if_exception_type=(ValueError,), wait_exponential_jitter=False, stop_after_attempt=3
    )
    with pytest.raises(kind, match=f"attempt {failures}"):
        called(chain, mode, "v")
    assert flaky.calls == failures


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_handlers_are_told_of_each_retry(mode: str, waits: list[float]) -> None:
    """`on_retry` speaks of the wrapper's run and comes after the failed attempt, before the next."""
    told: list[Any] = []

    class Telling(BaseCallbackHandler):
        def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
            told.append(("start", kwargs["tags"]))

        def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
            told.append(("error", str(error)))

        def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
            told.append((retry_state.attempt_number, str(retry_state.error), retry_state.delay_s, len(waits)))

    chain = RunnableLambda(Flaky(1)).with_retry(exponential_jitter_params=WAITS)
    called(chain, mode, "v", {"callbacks": [Telling()]})
    assert told == [
        ("start", []),
        ("start", []),
        ("error", "attempt 1"),
        (1, "attempt 1", 2.0, 0),
        ("start", ["retry:attempt:2"]),
    ]


def test_a_batch_tries_again_what_failed() -> None:
    """Each input on its own; those that did not fail are not run again."""
    seen_values: list[int] = []

    def odd_fails_once(value: int) -> int:
        seen_values.append(value)
        if value % 2 and seen_values.count(value) == 1:
            raise ValueError("once")
        return value * 10

    chain = RunnableLambda(odd_fails_once).with_retry(wait_exponential_jitter=False)
    assert chain.batch([1, 2, 3]) == [10, 20, 30]
    assert sorted(seen_values) == [1, 1, 2, 3, 3]
    seen_values.clear()
    assert asyncio.run(chain.abatch([1, 2, 3])) == [10, 20, 30]
    assert sorted(seen_values) == [1, 1, 2, 3, 3]


def test_a_retry_of_a_binding_keeps_the_config_outside() -> None:
    """As in the reference: the wrapper has the name and tags, attempts inherit the tags alone."""
    made = RunnableLambda(Flaky(0)).with_config(run_name="bound", tags=["b"]).with_retry()
    assert isinstance(made, RunnableBinding)
    assert isinstance(made.bound, RunnableRetry)
    with SpanRecorder() as spans:
        made.invoke("v")
    assert spans.tree() == [("bound", [("flaky", [])])]


def test_waits_grow_up_to_the_limit_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """initial * exp_base ** (attempt - 1), plus up to the jitter, at most the maximum; no overflow."""
    monkeypatch.setattr(retry_module.random, "uniform", lambda low, high: high)
    waits = [retry_module.backoff_s(n, initial_s=1, max_s=10, exp_base=2, jitter_s=0.5) for n in (1, 2, 3, 4, 5)]
    assert waits == [1.5, 2.5, 4.5, 8.5, 10]
    assert retry_module.backoff_s(5000) == 60.0
    with pytest.raises(ValueError, match="the first attempt is 1"):
        retry_module.backoff_s(0)


@pytest.mark.parametrize(
    ("rules", "kind", "words"),
    [
        ({"stop_after_attempt": 0}, ValueError, "number of attempts is 0"),
        ({"stop_after_attempt": 1.5}, TypeError, "whole number"),
        ({"retry_if_exception_type": (int,)}, TypeError, "int"),
        ({"retry_if_exception_type": ("ValueError",)}, TypeError, "'ValueError'"),
        ({"exponential_jitter_params": {"initally": 1}}, ValueError, "'initally'"),
        ({"exponential_jitter_params": {"max": -1}}, ValueError, "none below 0"),
    ],
)
def test_bad_arguments_are_told_when_the_retry_is_made(rules: Any, kind: type[Exception], words: str) -> None:
    """Not when it runs."""
    with pytest.raises(kind, match=words):
        RunnableLambda(Flaky(0)).with_retry(**rules)


def test_a_streamed_model_that_was_tried_again_replays_as_it_streamed() -> None:
    """At the root, where the first record shows what the caller passed, for both attempts."""
    failures = iter([True, False])

    class Model(ScriptedChatModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            if next(failures):
                raise ValueError("busy")
            yield from super()._stream(*args, **kwargs)

    retried = Model(tokens=["a", "b"]).with_retry(wait_exponential_jitter=False)

    async def read() -> list[Any]:
        return [record async for record in retried.astream_events("hello", version="v2")]

    with SpanRecorder() as spans:
        live = [canonical(record) for record in asyncio.run(read())]
        assert spans.records() == live
    assert live[0]["data"] == {"input": "hello"}
    assert [record["event"] for record in live].count("on_chat_model_stream") == 2
