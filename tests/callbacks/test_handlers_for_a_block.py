"""Handlers of ours: usage, progress on a stream, and how they come to be called."""

import asyncio
import time
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from spanloom.runtime.callbacks import (
    BaseCallbackHandler,
    FileCallbackHandler,
    StdOutCallbackHandler,
    StreamingStdOutCallbackHandler,
    UsageMetadataCallbackHandler,
    get_usage_metadata_callback,
)
from spanloom.runtime.language_models import GenericFakeChatModel
from spanloom.runtime.messages import AIMessage
from spanloom.runtime.runnables import RunnableLambda, RunnableParallel
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.callbacks.ambient import register_configure_hook

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"cache_read": 1}}


def model(name: str = "m") -> GenericFakeChatModel:
    def answers() -> Any:
        while True:
            yield AIMessage("a b", usage_metadata=USAGE, response_metadata={"model_name": name})

    return GenericFakeChatModel(messages=answers())


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_usage_in_a_block_is_summed_by_model_across_threads_and_tasks(mode: str) -> None:
    """Also of models inside chains; nothing outside the block counts."""
    one, two = model("one"), model("two")
    chain = RunnableParallel(a=one, b=one, c=two)
    with get_usage_metadata_callback() as usage:
        for _ in range(2):
            if mode == "sync":
                chain.invoke("hi")
                RunnableLambda(one.invoke).batch(["x", "y"])
            else:
                await chain.ainvoke("hi")
                await asyncio.gather(one.ainvoke("x"), one.ainvoke("y"))
    one.invoke("outside")
    assert usage.usage_metadata["one"] == {
        "input_tokens": 8,
        "output_tokens": 16,
        "total_tokens": 24,
        "input_token_details": {"cache_read": 8},
    }
    assert usage.usage_metadata["two"]["total_tokens"] == 6
    assert repr(usage) == str(usage.usage_metadata)


def test_a_usage_handler_given_as_callback_counts_alike_and_inner_blocks_count_too() -> None:
    """An answer that tells no usage, or no model, counts nothing."""
    handler = UsageMetadataCallbackHandler()
    with get_usage_metadata_callback() as outer:
        with get_usage_metadata_callback() as inner:
            model().invoke("x", {"callbacks": [handler]})
        GenericFakeChatModel(messages=iter([AIMessage("quiet")])).invoke("x", {"callbacks": [handler]})
    assert handler.usage_metadata == outer.usage_metadata == inner.usage_metadata == {"m": USAGE}


class Named(BaseCallbackHandler):
    """Notes the names of runs that start."""

    run_inline = True

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.names.append(kwargs["name"])


@pytest.mark.parametrize("inheritable", [True, False])
def test_a_registered_variable_gives_runs_its_handler(inheritable: bool) -> None:
    """In the block where it is set; descendants get it once."""
    variable: ContextVar[Any] = ContextVar("mine", default=None)
    register_configure_hook(variable, inheritable)
    register_configure_hook(variable, inheritable)
    handler = Named()
    token = variable.set(handler)
    chain = RunnableLambda(lambda x: x).with_config(run_name="a") | RunnableLambda(lambda x: x)
    chain.invoke(1)
    variable.reset(token)
    chain.invoke(1)
    assert handler.names == ["RunnableSequence", "a", "RunnableLambda"]


def test_standard_output_is_told_of_chains_tools_and_tokens(capsys: Any) -> None:
    """In bold and colour."""
    chain = RunnableLambda(lambda x: x).with_config(run_name="mine")
    chain.invoke(1, {"callbacks": [StdOutCallbackHandler()]})
    assert capsys.readouterr().out == (
        "\n\n\x1b[1m> Entering new mine chain...\x1b[0m\n\n\x1b[1m> Finished chain.\x1b[0m\n"
    )
    handler = StdOutCallbackHandler(color="red")
    handler.on_tool_end("out", observation_prefix="saw: ", llm_prefix="so: ")
    handler.on_text("t", color="green", end="!")
    handler.on_agent_action(SimpleNamespace(log="act"))
    handler.on_agent_finish(SimpleNamespace(log="fin"))
    red, green = "\x1b[31;1m\x1b[1;3m", "\x1b[32;1m\x1b[1;3m"
    end = "\x1b[0m"
    told = f"\nsaw: {red}out{end}\nso: {green}t{end}!{red}act{end}{red}fin{end}\n"
    assert capsys.readouterr().out == told
    list(model().stream("x", {"callbacks": [StreamingStdOutCallbackHandler()]}))
    assert capsys.readouterr().out == "a b"
    with pytest.raises(ValueError, match="is no colour here"):
        StdOutCallbackHandler(color="mauve")


def test_a_file_is_told_of_chains_without_colour(tmp_path: Any) -> None:
    """It is closed at the end of the block; later texts are refused, and counted as a handler's failure."""
    path = tmp_path / "log"
    chain = RunnableLambda(lambda x: x).with_config(run_name="mine")
    with FileCallbackHandler(str(path), color="red") as handler:
        chain.invoke(1, {"callbacks": [handler]})
        handler.on_text("t")
    assert path.read_text() == "\n\n> Entering new mine chain...\n\n> Finished chain.\nt"
    assert chain.invoke(1, {"callbacks": [handler]}) == 1
    with pytest.raises(ValueError, match="is closed"):
        handler.on_text("late")
    with FileCallbackHandler(str(path), "w") as handler:
        pass
    assert path.read_text() == ""


async def test_a_handler_that_sleeps_lets_the_loop_tick_and_keeps_its_order() -> None:
    """At least eight ticks of ten milliseconds in a hundred; hooks of the run in the order of its signals."""
    told: list[str] = []
    ticks = 0
    begun = asyncio.Event()
    counts: list[int] = []

    class Slow(BaseCallbackHandler):
        def _slow(self, hook: str) -> None:
            before = ticks
            deadline = 100
            while ticks - before < 8 and deadline:
                time.sleep(0.01)
                deadline -= 1
            counts.append(ticks - before)
            told.append(hook)

        def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
            self._slow("start")

        def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
            self._slow(f"custom {data}")

        def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
            self._slow("end")

    async def heart() -> None:
        nonlocal ticks
        begun.set()
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    from spanloom.tracing import adispatch_custom_event

    async def work(value: int) -> int:
        for number in range(3):
            await adispatch_custom_event("told", number)
        return value

    beating = asyncio.create_task(heart())
    await begun.wait()
    assert await RunnableLambda(work).ainvoke(1, {"callbacks": [Slow()]}) == 1
    beating.cancel()
    assert told == ["start", "custom 0", "custom 1", "custom 2", "end"]
    assert all(count >= 8 for count in counts)


@pytest.mark.parametrize("fails", [False, True])
def test_handlers_of_ours_keep_nothing_of_runs_that_have_ended(fails: bool, spans: SpanRecorder) -> None:
    """However many there were, and however they ended."""
    from spanloom.runtime.tracers import BaseTracer

    class Counting(BaseTracer):
        roots = 0

        def _persist_run(self, run: Any) -> None:
            self.roots += 1

    tracer = Counting()

    def step(value: int) -> int:
        if fails:
            raise ValueError
        return value

    chain = RunnableLambda(lambda x: x) | RunnableLambda(step)
    for number in range(50):
        try:
            chain.invoke(number, {"callbacks": [tracer]})
        except ValueError:
            assert fails
    assert tracer.roots == 50
    assert tracer.run_map == {}
