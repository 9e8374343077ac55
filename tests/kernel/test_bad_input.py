"""What is given wrongly is told in one sentence: what was given, what is expected, what to do."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.exceptions import AsyncOnlyError, CoercionError, ConfigError, InvalidInputError
from spanloom.runtime.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough, RunnableSequence, chain
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import FilterError, JournalError, replay

DOUBLE = RunnableLambda(lambda number: number * 2, name="double")


@pytest.mark.parametrize("config", [[("tags", ["a"])], "tags", 7])
@pytest.mark.parametrize("method", ["invoke", "ainvoke", "stream"])
def test_a_config_that_is_no_mapping_is_told(config: Any, method: str, spans: SpanRecorder) -> None:
    """The error shows what was given; no run is left behind."""
    with pytest.raises(ConfigError, match="give a mapping"):
        if method == "ainvoke":
            asyncio.run(DOUBLE.ainvoke(1, config))
        else:
            list([DOUBLE.invoke(1, config)] if method == "invoke" else DOUBLE.stream(1, config))
    assert spans.started == len(spans)


@pytest.mark.parametrize("thing", [7, "text", None, [DOUBLE]])
def test_a_non_runnable_in_a_pipe_is_told(thing: Any) -> None:
    """Whatever cannot be a step is named, on either side of the pipe and inside a mapping."""
    with pytest.raises(CoercionError, match="cannot be a step"):
        DOUBLE | thing
    with pytest.raises(CoercionError, match="cannot be a step"):
        DOUBLE | {"key": thing}


@pytest.mark.parametrize("version", ["v1.5", "v3", "", 2])
async def test_an_unknown_version_of_the_events_is_told(version: Any) -> None:
    """The error comes at the call, before anything runs."""
    with pytest.raises(NotImplementedError, match="use version='v2'"):
        DOUBLE.astream_events(1, version=version)


@pytest.mark.parametrize("wrong", ["double", [1], 3, {"a": 1}, [None]])
async def test_a_filter_that_is_no_list_of_strings_is_told(wrong: Any) -> None:
    """Live and replayed alike; a bare string gets the hint to put it in a list."""
    with pytest.raises(FilterError, match="include_names"):
        DOUBLE.astream_events(1, version="v2", include_names=wrong)
    with pytest.raises(FilterError, match="exclude_tags"):
        replay([], exclude_tags=wrong)


def test_a_journal_that_was_cut_is_told() -> None:
    """A damaged journal is no crash and no silence."""

    class Span:
        journal = '{"v":1,"run":{"id":"x"'

    with pytest.raises(JournalError, match="cut short"):
        list(replay([Span()]))


def test_a_journal_of_a_later_version_asks_for_an_update() -> None:
    """The reader says which version it met."""

    class Span:
        journal = '{"v":2,"run":{},"entries":[]}'

    with pytest.raises(JournalError, match="version 2"):
        list(replay([Span()]))


def test_unknown_config_keys_go_to_configurable() -> None:
    """As programs rely on."""
    seen = []

    def look(value: Any, config: Any) -> Any:
        seen.append(config["configurable"])
        return value

    RunnableLambda(look).invoke(1, {"session": "s", "configurable": {"kept": 1}})  # type: ignore[typeddict-unknown-key]
    assert seen == [{"session": "s", "kept": 1}]


async def _later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


def test_an_async_only_step_in_a_blocking_call_says_what_to_call(spans: SpanRecorder) -> None:
    """A coroutine function, and a generator that waits, are refused with the way out."""
    with pytest.raises(TypeError, match="ainvoke"):
        (DOUBLE | _later).invoke(1)

    async def waits(chunks: Any) -> Any:
        async for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk

    with pytest.raises(NotImplementedError, match="ainvoke"):
        (DOUBLE | RunnableGenerator(waits)).invoke(1)
    assert spans.started == len(spans)


def test_a_body_that_waits_in_a_blocking_call_is_closed_and_told() -> None:
    """A body that suspends under the blocking driver raises one clear error."""
    from spanloom.runtime.runnables import Composed

    class Waits(Composed[Any, Any]):
        async def body(self, value: Any, io: Any, /, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return value

    with pytest.raises(AsyncOnlyError, match="ainvoke"):
        Waits().invoke(1)


def test_assign_to_something_that_is_no_mapping_is_told() -> None:
    """The error shows the value."""
    with pytest.raises(InvalidInputError, match="must be a mapping"):
        RunnablePassthrough.assign(a=DOUBLE).invoke("text")


def test_wrong_functions_are_told_when_wrapped() -> None:
    """Not at the first call."""
    with pytest.raises(TypeError, match="give a function"):
        RunnableLambda("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="generator function"):
        RunnableGenerator(len)
    with pytest.raises(CoercionError, match="@chain"):
        chain("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least two"):
        RunnableSequence(DOUBLE)


def test_configs_of_a_batch_must_fit_its_inputs() -> None:
    """One for all, or one each."""
    with pytest.raises(ValueError, match="2 configs were given for 3 inputs"):
        DOUBLE.batch([1, 2, 3], [{}, {}])


def test_an_unreadable_run_id_is_told() -> None:
    """A run id is a UUID or its text."""
    with pytest.raises(ValueError, match="run_id is 'seven'"):
        DOUBLE.invoke(1, {"run_id": "seven"})  # type: ignore[typeddict-item]
