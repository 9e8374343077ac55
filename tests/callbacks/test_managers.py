"""Runs begun and ended by hand through managers: spans, events and hooks like any other run's."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from spanloom.runtime.callbacks import AsyncCallbackManager, BaseCallbackHandler, BaseCallbackManager, CallbackManager
from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.runtime.outputs import ChatGeneration, Generation, LLMResult
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.callbacks.dispatch import error_call
from spanloom.tracing.callbacks.managing import open_run

MODES = ["sync", "async"]


class Every(BaseCallbackHandler):
    """Notes every hook with its positional arguments."""

    run_inline = True

    def __init__(self) -> None:
        self.told: list[Any] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def hook(*args: Any, **kwargs: Any) -> None:
            self.told.append((name, args, kwargs))

        return hook

    @property
    def hooks(self) -> list[str]:
        return [name for name, _, _ in self.told]


def manager_for(mode: str, *handlers: Any, **kwargs: Any) -> Any:
    kind = CallbackManager if mode == "sync" else AsyncCallbackManager
    return kind.configure(list(handlers), **kwargs)


async def settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


@pytest.mark.parametrize("mode", MODES)
async def test_a_chain_by_hand_is_a_span_with_events_and_hooks(mode: str, spans: SpanRecorder) -> None:
    """Its child, started with `get_child`, stands below it."""
    every = Every()
    manager = manager_for(mode, every, inheritable_tags=["t"], inheritable_metadata={"m": 1})
    run = await settled(manager.on_chain_start({"name": "mine"}, {"x": 1}, extra=7))
    child = RunnableLambda(lambda x: x + 1).with_config(run_name="child")
    config: Any = {"callbacks": run.get_child("step")}
    assert (child.invoke(1, config) if mode == "sync" else await child.ainvoke(1, config)) == 2
    await settled(run.on_text("said"))
    await settled(run.on_retry(SimpleNamespace(attempt_number=2)))
    await settled(run.on_agent_action("act"))
    await settled(run.on_agent_finish("fin"))
    await settled(run.on_chain_end({"y": 2}))
    await settled(run.on_chain_end({"y": 3}))
    await settled(run.on_chain_error(ValueError("late")))
    assert spans.tree() == [("mine", [("child", [])])]
    assert every.hooks == [
        "on_chain_start",
        "on_chain_start",
        "on_chain_end",
        "on_text",
        "on_retry",
        "on_agent_action",
        "on_agent_finish",
        "on_chain_end",
    ]
    name, args, kwargs = every.told[0]
    assert args == ({"name": "mine"}, {"x": 1})
    assert (kwargs["name"], kwargs["tags"], kwargs["metadata"], kwargs["extra"]) == ("mine", ["t"], {"m": 1}, 7)
    assert every.told[-1][1] == ({"y": 2},)
    assert spans.outcomes() == {"mine": "ok", "child": "ok"}
    records = spans.records()
    assert [(r["event"], r["name"], set(r["tags"])) for r in records] == [
        ("on_chain_start", "mine", {"t"}),
        ("on_chain_start", "child", {"t", "step"}),
        ("on_chain_end", "child", {"t", "step"}),
        ("on_chain_end", "mine", {"t"}),
    ]
    assert records[0]["data"] == {"input": {"x": 1}}
    assert records[-1]["data"] == {"output": {"y": 2}}


@pytest.mark.parametrize("mode", MODES)
async def test_models_by_hand_are_one_run_for_each_input(mode: str, spans: SpanRecorder) -> None:
    """The given id is the first one's; end records show what models' end records show."""
    every = Every()
    manager = manager_for(mode, every)
    runs = await settled(manager.on_llm_start({"name": "llm"}, ["a", "b"]))
    for run, text in zip(runs, "xy", strict=True):
        await settled(run.on_llm_new_token(text))
        await settled(run.on_llm_end(LLMResult(generations=[[Generation(text=text)]])))
    (chat,) = await settled(manager.on_chat_model_start({"name": "chat"}, [[HumanMessage("hi")]]))
    result = LLMResult(generations=[[ChatGeneration(message=AIMessage("yo"))]])
    await settled(chat.on_llm_end(result))
    starts = [told for told in every.told if told[0].endswith("_start")]
    assert [told[1][1] for told in starts] == [["a"], ["b"], [[HumanMessage("hi")]]]
    assert every.told[-1][1] == (result,)
    ends = [r["data"]["output"] for r in spans.records() if r["event"].endswith("_end")]
    assert [end["generations"][0][0]["text"] for end in ends[:2]] == ["x", "y"]
    assert (ends[2]["$type"], ends[2]["content"]) == ("AIMessage", "yo")
    told = [r["event"] for r in spans.records(root_run_id=runs[0].run_id)]
    assert told == ["on_llm_start", "on_llm_stream", "on_llm_end"]


@pytest.mark.parametrize("mode", MODES)
async def test_tools_and_retrievers_by_hand(mode: str, spans: SpanRecorder) -> None:
    """With their own hooks, ends and errors."""
    every = Every()
    manager = manager_for(mode, every)
    tool = await settled(manager.on_tool_start({"name": "add"}, "{'a': 1}", inputs={"a": 1}, tool_call_id="c1"))
    await settled(tool.on_tool_end(2))
    broken = await settled(manager.on_tool_start({"name": "broken"}, "x", tool_call_id="c2"))
    await settled(broken.on_tool_error(ValueError("no")))
    found = await settled(manager.on_retriever_start({"name": "find"}, "q"))
    await settled(found.on_retriever_end(["doc"]))
    lost = await settled(manager.on_retriever_start({"name": "lost"}, "q"))
    await settled(lost.on_retriever_error(ValueError("no")))
    assert every.hooks == [
        "on_tool_start", "on_tool_end", "on_tool_start", "on_tool_error",
        "on_retriever_start", "on_retriever_end", "on_retriever_start", "on_retriever_error",
    ]  # fmt: skip
    assert spans.outcomes() == {"add": "ok", "broken": "error", "find": "ok", "lost": "error"}
    records = spans.records()
    assert records[0]["data"] == {"input": {"a": 1}}
    assert [r["data"]["tool_call_id"] for r in records if r["event"] == "on_tool_error"] == ["c2"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_notice_of_a_model_does_not_end_its_run(mode: str, spans: SpanRecorder) -> None:
    """Handlers are told; the outcome stays ok."""
    every = Every()
    (run,) = await settled(manager_for(mode, every).on_llm_start(None, ["a"], name="llm"))
    await settled(run.on_llm_error(RuntimeError("blocked"), signal=True))
    await settled(run.on_llm_end(LLMResult(generations=[[Generation(text="x")]])))
    assert every.hooks == ["on_llm_start", "on_llm_error", "on_llm_end"]
    assert spans.outcomes() == {"llm": "ok"}
    assert spans.one("llm").span.status.status_code is StatusCode.UNSET


def test_an_error_hook_is_given_what_the_run_left_for_it() -> None:
    """A model leaves what it had said until then."""
    scope = open_run(None, "m", "llm")
    scope.details = {"error_kwargs": {"response": "partial"}}
    assert error_call(scope, ValueError()).kwargs["response"] == "partial"
    scope.finish(None)


@pytest.mark.parametrize("mode", MODES)
async def test_handlers_are_inherited_unless_local_and_removed_from_both(mode: str) -> None:
    """As sets of the manager and its child."""
    inherited, local, gone = Every(), Every(), Every()
    manager = manager_for(mode, inherited, gone)
    manager.add_handler(local, inherit=False)
    manager.remove_handler(gone)
    run = await settled(manager.on_chain_start(None, 1, name="a"))
    child = await settled(run.get_child().on_chain_start(None, 2, name="b"))
    assert child.parent_run_id == run.run_id
    await settled(child.on_chain_end(2))
    await settled(run.on_chain_end(1))
    assert inherited.hooks == ["on_chain_start", "on_chain_start", "on_chain_end", "on_chain_end"]
    assert local.hooks == ["on_chain_start", "on_chain_end"]
    assert gone.hooks == []
    assert isinstance(manager, BaseCallbackManager)


@pytest.mark.parametrize("mode", MODES)
async def test_a_manager_gives_custom_events(mode: str, spans: SpanRecorder) -> None:
    """Those of a run's child manager are the run's own."""
    every = Every()
    manager = manager_for(mode, every)
    await settled(manager.on_custom_event("outside", 1))
    run = await settled(manager.on_chain_start(None, 1, name="a"))
    await settled(run.get_child().on_custom_event("inside", 2))
    await settled(run.on_chain_end(1))
    events = [(args, kwargs["run_id"]) for name, args, kwargs in every.told if name == "on_custom_event"]
    assert [args for args, _ in events] == [("outside", 1), ("inside", 2)]
    assert events[1][1] == run.run_id
    assert [r["name"] for r in spans.records() if r["event"] == "on_custom_event"] == ["inside"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_given_run_id_is_the_runs(mode: str) -> None:
    """And the first one's of several."""
    from uuid import uuid4

    given = uuid4()
    manager = manager_for(mode)
    run = await settled(manager.on_chain_start(None, 1, run_id=given))
    runs = await settled(manager.on_llm_start(None, ["a", "b"], run_id=given))
    assert run.run_id == runs[0].run_id == given != runs[1].run_id
    for each in (run, *runs):
        each.scope.finish(None)
