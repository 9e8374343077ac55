"""The deprecated streams: the log of a run, and event records of version 1."""

from typing import Any

import pytest

from spanloom.runtime.language_models import FakeListLLM, GenericFakeChatModel
from spanloom.runtime.messages import AIMessage
from spanloom.runtime.output_parsers import StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate
from spanloom.runtime.runnables import Runnable, RunnableGenerator, RunnableLambda
from spanloom.runtime.tracers.log_stream import RunLog, RunLogPatch
from spanloom.tracing import FilterError, adispatch_custom_event


def reverse(text: str) -> str:
    return text[::-1]


async def bang(chunks: Any) -> Any:
    async for chunk in chunks:
        await adispatch_custom_event("told", 1)
        yield chunk
        yield "!"


def chain() -> Runnable[Any, Any]:
    steps = RunnableLambda(reverse) | RunnableGenerator(bang)
    return steps.with_config(run_name="c", tags=["t"], metadata={"m": 1})


async def version_one(runnable: Runnable[Any, Any], value: Any, **kwargs: Any) -> list[dict[str, Any]]:
    with pytest.warns(DeprecationWarning, match="v1"):
        stream = runnable.astream_events(value, version="v1", **kwargs)
    return [record async for record in stream]


async def log(runnable: Runnable[Any, Any], value: Any, **kwargs: Any) -> list[Any]:
    with pytest.warns(DeprecationWarning, match="astream_log"):
        stream = runnable.astream_log(value, **kwargs)
    return [patch async for patch in stream]


def brief(records: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    return [(record["event"], record["name"], record["data"]) for record in records]


START, STREAM, END = "on_chain_start", "on_chain_stream", "on_chain_end"
ROOT = [(START, "c", {"input": "ab"}), (STREAM, "c", {"chunk": "ba"}), (STREAM, "c", {"chunk": "!"})]
FIRST = [
    (START, "reverse", {}),
    (STREAM, "reverse", {"chunk": "ba"}),
    (END, "reverse", {"input": "ab", "output": "ba"}),
]


@pytest.mark.row("B3.06")
async def test_version_one_tells_the_same_names_without_parents() -> None:
    """The root's input at its start, its output at its end, no custom events; an unknown version is refused."""
    records = await version_one(chain(), "ab")
    assert brief(records) == [
        ROOT[0],
        *FIRST[:2],
        (START, "bang", {}),
        (STREAM, "bang", {"chunk": "ba"}),
        ROOT[1],
        (STREAM, "bang", {"chunk": "!"}),
        ROOT[2],
        FIRST[2],
        (END, "bang", {"input": "ba", "output": "ba!"}),
        (END, "c", {"output": "ba!"}),
    ]
    assert all(record["parent_ids"] == [] for record in records)
    assert all(record["metadata"] == {"m": 1} and "t" in record["tags"] for record in records)
    assert set(records[0]) == {"event", "data", "name", "tags", "run_id", "metadata", "parent_ids"}
    with pytest.raises(NotImplementedError, match="has no version 'v9'"):
        chain().astream_events("ab", version="v9")  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="need version='v2'"):
        chain().astream_events("ab", version="v1", include_errors=True)


@pytest.mark.row("B3.07")
async def test_parent_ids_are_the_ancestors_root_first_in_version_two_and_never_told_in_version_one() -> None:
    """Everything else of a record has the same keys."""
    two = [record async for record in chain().astream_events("ab", version="v2")]
    one = await version_one(chain(), "ab")
    root = two[0]["run_id"]
    parents = {record["name"]: record["parent_ids"] for record in two if record["event"] != "on_custom_event"}
    assert parents == {"c": [], "reverse": [root], "bang": [root]}
    assert {tuple(sorted(record)) for record in one} == {tuple(sorted(record)) for record in two}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"include_names": ["reverse"]}, FIRST),
        ({"exclude_names": ["bang"]}, [ROOT[0], *FIRST[:2], *ROOT[1:], FIRST[2], (END, "c", {"output": "ba!"})]),
        ({"include_names": ["c"]}, [*ROOT, (END, "c", {"output": "ba!"})]),
    ],
)
async def test_version_one_is_filtered_and_keeps_each_input_where_it_belongs(filters: Any, expected: Any) -> None:
    """The root's input is never told of another run."""
    assert brief(await version_one(chain(), "ab", **filters)) == expected


async def test_models_in_version_one() -> None:
    """Below the root their end shows the response; as root what they yielded."""
    model = GenericFakeChatModel(messages=iter([AIMessage("a b")] * 2))
    prompt = ChatPromptTemplate.from_messages([("user", "{q}")])
    records = await version_one(prompt | model | StrOutputParser(), {"q": "x"}, include_types=["chat_model"])
    assert [r["event"] for r in records] == ["on_chat_model_start", *["on_chat_model_stream"] * 3, "on_chat_model_end"]
    assert records[-1]["data"]["output"]["generations"][0][0]["message"].content == "a b"
    root = await version_one(model, "x")
    assert root[0]["data"] == {"input": "x"}
    assert root[-1]["data"]["output"].content == "a b"
    llm = await version_one(FakeListLLM(responses=["hey"]), "x")
    assert [r["event"] for r in llm][-1] == "on_llm_end"
    assert llm[-1]["data"] == {"output": "hey"}


@pytest.mark.parametrize("way", ["v1", "log"])
async def test_a_failing_run_gives_what_came_before_and_raises(way: str) -> None:
    """The exception is the run's own."""
    bad = RunnableLambda(reverse) | RunnableLambda(lambda x: 1 // 0)
    seen: list[Any] = []
    with pytest.warns(DeprecationWarning, match="deprecated"):
        stream: Any = bad.astream_events("ab", version="v1") if way == "v1" else bad.astream_log("ab")
    with pytest.raises(ZeroDivisionError):
        async for each in stream:
            seen.append(each)
    if way == "v1":
        assert [(r["event"], r["name"]) for r in seen if r["event"] == END] == [(END, "reverse")]
    else:
        ops = {op["path"]: op["value"] for patch in seen for op in patch.ops}
        assert ops["/logs/reverse/final_output"] == {"output": "ba"}
        assert ops["/logs/RunnableLambda/final_output"] is None
        assert "/final_output" not in ops


async def test_the_log_is_patches_of_one_document() -> None:
    """Entries below the root by name; what the root yields, and its sum."""
    patches = await log(chain(), "ab")
    assert patches[0].ops[0]["path"] == ""
    state = patches[0].ops[0]["value"]
    assert {**state, "id": ""} == {
        "id": "", "streamed_output": [], "final_output": None, "name": "c", "type": "chain", "logs": {}
    }  # fmt: skip
    paths = [[op["path"] for op in patch.ops] for patch in patches[1:]]
    assert paths == [
        ["/logs/reverse"],
        ["/logs/reverse/streamed_output/-"],
        ["/logs/bang"],
        ["/logs/bang/streamed_output/-"],
        ["/streamed_output/-", "/final_output"],
        ["/logs/bang/streamed_output/-"],
        ["/streamed_output/-", "/final_output"],
        ["/logs/reverse/final_output", "/logs/reverse/end_time"],
        ["/logs/bang/final_output", "/logs/bang/end_time"],
    ]
    whole = patches[0] + patches[1]
    for patch in patches[2:]:
        before, kept = whole.state, repr(whole.state)
        whole = whole + patch
        assert repr(before) == kept
    assert whole.state["streamed_output"] == ["ba", "!"]
    assert whole.state["final_output"] == "ba!"
    entry = whole.state["logs"]["reverse"]
    assert (entry["final_output"], entry["streamed_output"], entry["type"]) == ({"output": "ba"}, ["ba"], "chain")
    assert (entry["tags"], entry["metadata"]) == (["seq:step:1", "t"], {"m": 1})
    assert entry["start_time"] <= entry["end_time"]


async def test_without_diff_each_step_is_the_whole_log() -> None:
    """The last one is the sum of all patches."""
    logs = await log(chain(), "ab", diff=False)
    assert all(isinstance(each, RunLog) for each in logs)
    assert logs[-1].state["final_output"] == "ba!"
    assert logs[0].state["logs"] == {}
    assert [len(each.ops) for each in logs] == sorted(len(each.ops) for each in logs)


async def test_the_log_is_filtered_below_the_root_only() -> None:
    """Names given twice are told apart; the root's list can be left out."""
    twice = RunnableLambda(reverse) | RunnableLambda(reverse)
    patches = await log(twice, "ab", with_streamed_output_list=False)
    paths = [op["path"] for patch in patches for op in patch.ops]
    assert {"/logs/reverse", "/logs/reverse:2", "/final_output"} <= set(paths)
    assert "/streamed_output/-" not in paths
    only = await log(chain(), "ab", include_names=["bang"])
    entries = {op["path"].split("/")[2] for patch in only for op in patch.ops if op["path"].startswith("/logs")}
    assert entries == {"bang"}
    model = GenericFakeChatModel(messages=iter([AIMessage("a b")]))
    of_model = await log(RunnableLambda(reverse) | model, "x", include_types=["llm"])
    state = RunLog(state=None)
    for patch in of_model:
        state = state + patch
    assert list(state.state["logs"]) == ["GenericFakeChatModel"]
    assert state.state["logs"]["GenericFakeChatModel"]["streamed_output_str"] == ["a", " ", "b"]
    with pytest.raises(FilterError), pytest.warns(DeprecationWarning, match="astream_log"):
        chain().astream_log("x", include_names="c")  # type: ignore[arg-type]


def test_patches_add_up_and_compare() -> None:
    """A name with a slash is one key; what is no patch cannot be added."""
    first = RunLogPatch({"op": "replace", "path": "", "value": {"logs": {}}})
    entry = RunLogPatch({"op": "add", "path": "/logs/a~1b", "value": 1})
    assert (first + entry).state == {"logs": {"a/b": 1}}
    assert first + entry == first + RunLogPatch(*entry.ops)
    assert first == RunLogPatch(*first.ops)
    assert repr(first) == "RunLogPatch({'op': 'replace', 'path': '', 'value': {'logs': {}}})"
    with pytest.raises(TypeError, match="cannot be added"):
        first + {"op": "add"}  # type: ignore[operator]
    with pytest.raises(TypeError, match="cannot be added"):
        (first + entry) + "x"  # type: ignore[operator]
