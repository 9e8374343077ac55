"""A guardrail's intervention is a notice: handlers are told, the run goes on and ends well, once."""

import threading
from collections.abc import AsyncIterator
from contextvars import copy_context
from typing import Any, ClassVar

import pytest

from spanloom.runtime.exceptions import GuardrailInterventionError
from spanloom.runtime.language_models.notices import has_notices, notice, tell_notices
from spanloom.runtime.runnables import Runnable, RunnableLambda
from spanloom.runtime.runnables.composed import Composed
from spanloom.runtime.runnables.io import Io
from spanloom.runtime.tracers import RunCollectorCallbackHandler
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import AsyncCallbackHandler, BaseCallbackHandler
from spanloom.tracing.interventions import Assessment, Intervention

MODES = ["invoke", "ainvoke", "stream", "astream", "astream_events"]
TRACE = {"input": {"gr-1": {"topicPolicy": {"topics": [{"name": "money", "action": "BLOCKED"}]}}}}


def intervention(number: int = 1) -> Intervention:
    """Return an intervention of guardrail `gr-<number>`."""
    found = Assessment(policy="topic", rule="money", action="BLOCKED")
    return Intervention(
        component="G", action="INTERVENED", guardrail_id=f"gr-{number}", assessments=(found,), trace=TRACE
    )


class Guarded(Composed[str, str]):
    """Stands for a model: two tokens, an intervention seen with the second, in the provider's own thread."""

    run_type = "llm"
    stream_mode = "output"
    chunks: ClassVar[tuple[str, ...]] = ("Sorry", ".")

    def shown_input(self, value: Any, scope: Any, kwargs: Any) -> Any:
        scope.details = {"start": ([value],)}
        return value

    def provider(self) -> str:
        notice(intervention())
        return ".".join(self.chunks[:1]) + "."

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        answer = await io.call(self.provider)
        if has_notices(io.scope):
            await tell_notices(io)
        return answer

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        for chunk in self.chunks:
            if chunk == ".":
                await io.call(self.provider)
            if has_notices(io.scope):
                await tell_notices(io)
            io.scope.chunk(chunk)
            yield chunk


class Hearing(BaseCallbackHandler):
    """Notes the hooks of models, and what an error hook was given."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        self.told: list[tuple[BaseException, dict[str, Any]]] = []

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("error")
        self.told.append((error, kwargs))


class HearingAsync(AsyncCallbackHandler):
    """The same with coroutines."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        self.told: list[tuple[BaseException, dict[str, Any]]] = []

    async def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    async def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("error")
        self.told.append((error, kwargs))


async def called(mode: str, runnable: Runnable[Any, Any], *handlers: Any, **config: Any) -> Any:
    """Call the runnable in one of the modes and return its answer, or its records."""
    given: Any = {"callbacks": list(handlers), **config}
    if mode == "invoke":
        return runnable.invoke("q", given)
    if mode == "ainvoke":
        return await runnable.ainvoke("q", given)
    if mode == "stream":
        return "".join(runnable.stream("q", given))
    if mode == "astream":
        return "".join([chunk async for chunk in runnable.astream("q", given)])
    return [record async for record in runnable.astream_events("q", given, version="v2")]


@pytest.mark.row("B2.02")
@pytest.mark.row("B2.03")
@pytest.mark.parametrize("mode", MODES)
async def test_handlers_hear_of_an_intervention_and_the_run_ends_well(mode: str, spans: SpanRecorder) -> None:
    """Each handler, sync and async, is told once, before the one end hook; the caller gets the answer."""
    handlers: list[Any] = [Hearing(), HearingAsync()]
    answer = await called(mode, Guarded(), *handlers, tags=["mine"])
    if mode != "astream_events":
        assert answer == "Sorry."
    (recorded,) = spans.spans
    for handler in handlers:
        assert handler.hooks == ["start", "error", "end"]
        ((error, told),) = handler.told
        assert isinstance(error, GuardrailInterventionError)
        assert error.intervention == intervention()
        assert (told["reason"], told["trace"], told["signal"]) == ("GUARDRAIL_INTERVENED", TRACE, True)
        assert (told["parent_run_id"], told["tags"]) == (None, ["mine"])
        assert str(told["run_id"]) == recorded.attributes["spanloom.run.id"]
    assert recorded.outcome == "ok"
    assert recorded.span.status.is_unset
    assert [event.name for event in recorded.span.events] == ["gen_ai.guardrail.result"]


@pytest.mark.row("B2.04")
async def test_the_documented_handler_tells_an_intervention_from_a_failure() -> None:
    """A handler that reads `reason` and `trace` from the keyword arguments works as documented."""
    seen: list[Any] = []

    class MyCustomAsyncHandler(AsyncCallbackHandler):
        async def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
            reason = kwargs.get("reason")
            if reason == "GUARDRAIL_INTERVENED":
                seen.append(kwargs["trace"])

    await Guarded().ainvoke("q", {"callbacks": [MyCustomAsyncHandler()]})
    assert seen == [TRACE]


@pytest.mark.parametrize("mode", MODES)
async def test_streams_of_events_see_no_error(mode: str, spans: SpanRecorder) -> None:
    """Records, live and replayed, are those of a run that ended well."""
    live = await called(mode, Guarded())
    events = [record["event"] for record in spans.records()]
    assert (events[0], events[-1]) == ("on_llm_start", "on_llm_end")
    assert not [event for event in events if "error" in event]
    if mode == "astream_events":
        assert [record["event"] for record in live] == events


@pytest.mark.parametrize("mode", MODES)
async def test_tracers_and_listeners_keep_it_as_an_event_of_a_run_without_error(mode: str) -> None:
    """The run object has the event and the intervention; its error is None, the error listener is not called."""
    collector = RunCollectorCallbackHandler()
    told: list[Any] = []
    heard: list[str] = []
    runnable = Guarded().with_listeners(on_end=told.append, on_error=lambda run: heard.append("error"))
    await called(mode, runnable, collector)
    for run in [collector.traced_runs[0], told[0]]:
        (event,) = [event for event in run.events if event["name"] == "guardrail"]
        assert event["kwargs"]["reason"] == "GUARDRAIL_INTERVENED"
        assert event["kwargs"]["trace"] == TRACE
        assert run.interventions == [intervention()]
        assert (run.error, run.events[-1]["name"]) == (None, "end")
    assert (len(told), heard) == (1, [])


async def test_retry_and_fallbacks_see_no_error() -> None:
    """The first attempt's answer is taken."""
    asked: list[int] = []

    class Counted(Guarded):
        def provider(self) -> str:
            asked.append(1)
            return super().provider()

    spare: Any = RunnableLambda(lambda _: "spare")
    for runnable in (Counted().with_retry(stop_after_attempt=3), Counted().with_fallbacks([spare])):
        assert await called("invoke", runnable) == "Sorry."
        assert await called("ainvoke", runnable) == "Sorry."
    assert len(asked) == 4


def test_an_intervention_that_is_raised_is_an_error_of_the_run(spans: SpanRecorder) -> None:
    """Where the caller asks for an exception it is one: the run fails with it, and its text has no content."""

    def refuse(_: int) -> str:
        raise GuardrailInterventionError(intervention())

    model: Any = RunnableLambda(refuse).with_config(run_name="model")
    with pytest.raises(GuardrailInterventionError, match="G gr-1 intervened"):
        model.invoke(1)
    assert spans.one("model").outcome == "error"


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
async def test_notices_from_many_threads_are_all_told(mode: str, spans: SpanRecorder) -> None:
    """Threads of one run may all give notices; each is told once and recorded once."""

    class Busy(Guarded):
        def provider(self) -> str:
            threads = [
                threading.Thread(target=copy_context().run, args=(notice, intervention(number))) for number in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return "done"

    handler = Hearing()
    assert await called(mode, Busy(), handler) == "done"
    ids = [
        error.intervention.guardrail_id for error, _ in handler.told if isinstance(error, GuardrailInterventionError)
    ]
    assert sorted(map(str, ids)) == sorted(f"gr-{number}" for number in range(20))
    assert len(spans.spans[0].span.events) == 20


@pytest.mark.parametrize("mode", MODES)
async def test_a_handler_that_fails_at_a_notice_changes_nothing(mode: str) -> None:
    """Its failure is counted and told once; the others are told and the run ends well."""

    class Failing(BaseCallbackHandler):
        def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
            raise LookupError("broken")

    other = Hearing()
    await called(mode, Guarded(), Failing(), other)
    assert other.hooks == ["start", "error", "end"]


def test_a_notice_without_a_run_is_only_recorded() -> None:
    """Outside of a run there is nobody to tell; nothing is raised and nothing is kept."""
    notice(intervention())
