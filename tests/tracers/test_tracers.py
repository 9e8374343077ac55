"""Tracers get whole runs; what they keep is what is under way."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from spanloom.runtime.language_models import GenericFakeChatModel
from spanloom.runtime.messages import AIMessage
from spanloom.runtime.runnables import RunnableLambda, RunnableParallel
from spanloom.runtime.tools import tool
from spanloom.runtime.tracers import (
    AsyncBaseTracer,
    BaseTracer,
    ConsoleCallbackHandler,
    FunctionCallbackHandler,
    Run,
    TracerException,
    collect_runs,
)
from spanloom.runtime.tracers.schemas import Run as SchemaRun


class Noting(BaseTracer):
    """Notes which of its methods are called."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.told: list[tuple[str, str]] = []

    def _persist_run(self, run: Run) -> None:
        self.told.append(("persist", run.name))

    def _on_run_create(self, run: Run) -> None:
        self.told.append(("create", run.name))

    def _on_run_update(self, run: Run) -> None:
        self.told.append(("update", run.name))

    def _on_chain_start(self, run: Run) -> None:
        self.told.append(("start", run.name))

    def _on_chain_end(self, run: Run) -> None:
        self.told.append(("end", run.name))

    def _on_chain_error(self, run: Run) -> None:
        self.told.append(("error", run.name))


class AsyncNoting(AsyncBaseTracer):
    """The same, awaited."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.told: list[tuple[str, str]] = []

    async def _persist_run(self, run: Run) -> None:
        self.told.append(("persist", run.name))

    async def _on_run_create(self, run: Run) -> None:
        self.told.append(("create", run.name))

    async def _on_run_update(self, run: Run) -> None:
        self.told.append(("update", run.name))

    async def _on_chain_start(self, run: Run) -> None:
        self.told.append(("start", run.name))

    async def _on_chain_end(self, run: Run) -> None:
        self.told.append(("end", run.name))

    async def _on_chain_error(self, run: Run) -> None:
        self.told.append(("error", run.name))


def step(value: Any) -> Any:
    if value == "fail":
        raise ValueError("no")
    return value


CHAIN = RunnableLambda(step).with_config(run_name="one") | RunnableLambda(step)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("kind", [Noting, AsyncNoting])
@pytest.mark.parametrize("value", ["x", "fail"])
async def test_a_tracers_methods_are_called_in_order(mode: str, kind: Any, value: str) -> None:
    """A root run is persisted once, before its last methods; nothing stays under way."""
    tracer = kind()
    config: Any = {"callbacks": [tracer], "run_name": "root"}
    try:
        CHAIN.invoke(value, config) if mode == "sync" else await CHAIN.ainvoke(value, config)
    except ValueError:
        assert value == "fail"
    last = "error" if value == "fail" else "end"
    second = [] if value == "fail" else [("create", "step"), ("start", "step"), ("update", "step"), ("end", "step")]
    assert tracer.told == [
        *[("create", "root"), ("start", "root"), ("create", "one"), ("start", "one"), ("update", "one"), (last, "one")],
        *second,
        *[("persist", "root"), ("update", "root"), (last, "root")],
    ]
    assert tracer.run_map == {}


def test_a_run_that_never_started_is_refused() -> None:
    """By name."""
    with pytest.raises(TracerException, match="is under way"):
        Noting().on_chain_end(1, run_id=uuid4())


@tool
def add(a: int) -> int:
    """Add."""
    return a + 1


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_runs_of_a_block_are_collected_as_trees(mode: str) -> None:
    """With ids, order and times that fit; runs outside are not."""
    with collect_runs() as collected:
        chain = CHAIN | RunnableParallel(a=RunnableLambda(step), b=RunnableLambda(step))
        assert (chain.invoke(1) if mode == "sync" else await chain.ainvoke(1)) == {"a": 1, "b": 1}
        assert add.invoke({"a": 1}) == 2
    CHAIN.invoke(1)
    root, tool_run = collected.traced_runs
    assert isinstance(root, SchemaRun)
    assert (root.inputs, root.outputs, root.error, root.parent_run_id) == ({"input": 1}, {"a": 1, "b": 1}, None, None)
    assert (tool_run.run_type, tool_run.inputs, tool_run.outputs) == ("tool", {"a": 1}, {"output": 2})
    one, two, parallel = root.child_runs
    assert [each.name for each in (one, two)] == ["one", "step"]
    assert len(parallel.child_runs) == 2
    for parent, child in [(root, one), (root, parallel), (parallel, parallel.child_runs[0])]:
        assert child.parent_run_id == parent.id
        assert child.trace_id == root.id
        assert child.dotted_order.startswith(parent.dotted_order + ".")
        assert parent.start_time <= child.start_time <= child.end_time <= parent.end_time
    assert [event["name"] for event in root.events] == ["start", "end"]


def answers() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage("a b")]))


def test_a_chat_model_is_an_llm_run_with_text_unless_messages_are_asked_for() -> None:
    """Tokens are events of the run."""
    with collect_runs() as collected:
        list(answers().stream("hi"))
    (run,) = collected.traced_runs
    assert (run.run_type, run.inputs) == ("llm", {"prompts": ["Human: hi"]})
    assert run.outputs["generations"][0][0]["text"] == "a b"
    assert [event["name"] for event in run.events] == ["start", *["new_token"] * 3, "end"]
    kept: list[Run] = []

    class Keeping(Noting):
        def _persist_run(self, run: Run) -> None:
            kept.append(run)

    answers().invoke("hi", {"callbacks": [Keeping(_schema_format="original+chat")]})
    assert kept[0].run_type == "chat_model"
    assert kept[0].inputs["messages"][0][0]["content"] == "hi"


def test_the_console_is_told_each_start_end_and_error(capsys: Any) -> None:
    """With the way down to the run, and what it took and gave."""
    texts: list[str] = []
    handler = FunctionCallbackHandler(texts.append)
    for value in ("x", "fail"):
        with suppress(ValueError):
            CHAIN.invoke(value, {"callbacks": [handler, ConsoleCallbackHandler()], "run_name": "root"})
    plain = [text.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[1;3m", "") for text in texts]
    assert plain[0] == '\x1b[32;1m[chain/start] [chain:root] Entering Chain run with input:\n{\n  "input": "x"\n}'
    assert plain[1].startswith("\x1b[32;1m[chain/start] [chain:root > chain:one] Entering")
    assert plain[2].startswith("\x1b[36;1m[chain/end] [chain:root > chain:one] [")
    assert 'Exiting Chain run with output:\n{\n  "output": "x"\n}' in plain[2]
    assert plain[-1].startswith("\x1b[31;1m[chain/error] [chain:root] [")
    assert "Chain run errored with error:\n\"ValueError('no')" in plain[-1]
    heads = [text.partition("[")[2].partition("]")[0] for text in capsys.readouterr().out.split("\x1b[1;3m")[1:]]
    assert heads == ["chain/start", "chain/start", "chain/end", "chain/start", "chain/end", "chain/end"] + [
        "chain/start",
        "chain/start",
        "chain/error",
        "chain/error",
    ]
