"""Tools: arguments, injected ones, answers, failures, and the records of their runs."""

import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import ToolMessage
from spanloom.runtime.runnables import RunnableConfig, RunnableLambda, RunnablePassthrough
from spanloom.runtime.tools import BaseTool, StructuredTool, ToolException, tool
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import BaseCallbackHandler, canonical
from spanloom.tracing.names import OPERATION_NAME, TOOL_NAME

reverse_word = RunnableLambda(lambda word: word[::-1], name="reverse_word")


@tool
def multiply(a: Annotated[int, "the first"], b: int = 2) -> int:
    """Multiply two numbers.

    Exactly.
    """
    return a * b


@tool
def bad_tool(word: str) -> Any:
    """A tool that passes no callbacks on."""
    return reverse_word.invoke(word)


@tool
def correct_tool(word: str, callbacks: Any) -> Any:
    """A tool that passes its callbacks on."""
    return reverse_word.invoke(word, {"callbacks": callbacks})


@tool
async def later(text: str) -> str:
    """A tool for loops."""
    return text + "!"


@tool("seen", return_direct=True)
def injected(x: str, cfg: RunnableConfig, config: str = "mine", run_manager: Any = None) -> list[str]:
    """A tool that looks at what it is given."""
    return [x, config, type(run_manager).__name__, type(cfg["callbacks"]).__name__]


@tool
def failing(how: str) -> str:
    """A tool that cannot."""
    raise ToolException("cannot", how) if how == "tool" else ValueError(how)


@tool(response_format="content_and_artifact")
def both(x: str) -> Any:
    """A tool with an artifact."""
    return (x, {"full": x}) if x != "odd" else x


class Words(BaseModel):
    """Arguments."""

    text: str = Field(description="some text")
    times: int = 1


class Mine(BaseTool):
    """A tool written as a class."""

    name: str = "mine"
    description: str = "repeats"
    args_schema: type[BaseModel] = Words

    def _run(self, text: str, times: int, run_manager: Any) -> str:
        return text * times + type(run_manager).__name__


class MineOnLoop(Mine):
    """The same, for loops too."""

    async def _arun(self, text: str, times: int, run_manager: Any) -> str:
        return text * times + type(run_manager).__name__


def call(name: str, **args: Any) -> dict[str, Any]:
    """A model's tool call."""
    return {"name": name, "args": args, "id": "c1", "type": "tool_call"}


async def run(made: Any, value: Any, mode: str) -> Any:
    """The answer of a tool."""
    return made.invoke(value) if mode == "sync" else await made.ainvoke(value)


def test_a_function_becomes_a_tool_with_its_name_docstring_and_signature() -> None:
    assert (multiply.name, multiply.description) == ("multiply", "Multiply two numbers.\n\nExactly.")
    assert multiply.args == {
        "a": {"description": "the first", "title": "A", "type": "integer"},
        "b": {"default": 2, "title": "B", "type": "integer"},
    }
    schema = multiply.tool_call_schema
    assert isinstance(schema, type)
    assert schema.model_json_schema()["title"] == "multiply"
    assert schema.model_json_schema()["description"] == "Multiply two numbers.\n\nExactly."
    assert (injected.name, injected.return_direct, list(injected.args)) == ("seen", True, ["x", "config"])
    assert list(correct_tool.args) == ["word"]
    assert list(Mine().args) == ["text", "times"]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_arguments_are_checked_converted_and_completed(mode: str) -> None:
    assert await run(multiply, {"a": "3", "unknown": 1}, mode) == 6
    assert await run(multiply, "3", mode) == 6
    with pytest.raises(ValidationError, match="valid integer"):
        await run(multiply, {"a": "x"}, mode)
    with pytest.raises(ValidationError, match="Field required"):
        await run(multiply, {}, mode)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_tool_call_is_answered_by_a_tool_message(mode: str) -> None:
    assert await run(multiply, call("multiply", a=2), mode) == ToolMessage("4", name="multiply", tool_call_id="c1")
    message = await run(both, call("both", x="é"), mode)
    assert (message.content, message.artifact) == ("é", {"full": "é"})
    assert await run(both, {"x": "1"}, mode) == "1"
    with pytest.raises(InvalidInputError, match="content_and_artifact"):
        await run(both, "odd", mode)


async def test_content_that_is_no_text_is_written_as_json() -> None:
    answers: list[Any] = [
        {"a": "é"},
        [{"type": "text", "text": "x"}],
        {
            1,
        },
        [1],
    ]
    made = StructuredTool.from_function(lambda: answers.pop(0), name="many", description="d")
    contents = [made.invoke(call("many")).content for _ in range(4)]
    assert contents == ['{"a": "é"}', [{"type": "text", "text": "x"}], "{1}", "[1]"]


async def test_manager_config_and_callbacks_are_filled_in() -> None:
    expected = ["z", "mine", "CallbackManagerForToolRun", "CallbackManager"]
    assert injected.invoke("z") == expected
    assert await injected.ainvoke("z") == expected, "a blocking function gets blocking managers on a loop too"
    assert Mine().invoke({"text": "a", "times": 2}) == "aaCallbackManagerForToolRun"
    assert await Mine().ainvoke("a") == "aCallbackManagerForToolRun"
    assert MineOnLoop().invoke("a") == "aCallbackManagerForToolRun"
    assert await MineOnLoop().ainvoke("a") == "aAsyncCallbackManagerForToolRun"


async def test_a_coroutine_function_needs_a_loop() -> None:
    assert await later.ainvoke("x") == "x!"
    with pytest.raises(NotImplementedError, match="call it with ainvoke"):
        later.invoke("x")

    async def on_loop(x: str) -> str:
        return f"{x} on a loop"

    two = StructuredTool.from_function(lambda x: f"{x} blocking", on_loop, name="two", description="d")
    assert (two.invoke("x"), await two.ainvoke("x")) == ("x blocking", "x on a loop")


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_failures_are_raised_or_answered_as_asked(mode: str) -> None:
    with pytest.raises(ToolException, match="cannot"):
        await run(failing, "tool", mode)
    for handling, told in ((True, "cannot"), ("sorry", "sorry"), (lambda error: f"<{error.args[1]}>", "<tool>")):
        handled = failing.model_copy(update={"handle_tool_error": handling})
        assert await run(handled, "tool", mode) == told
        message = await run(handled, call("failing", how="tool"), mode)
        assert (message.content, message.status) == (told, "error")
        with pytest.raises(ValueError, match="other"):
            await run(handled, "other", mode)
    for handling, told in (
        (True, "Tool input validation error"),
        ("bad", "bad"),
        (lambda e: type(e).__name__, "ValidationError"),
    ):
        checked = multiply.model_copy(update={"handle_validation_error": handling})
        assert await run(checked, {"a": "x"}, mode) == told


def test_a_tool_needs_a_description_and_a_function() -> None:
    with pytest.raises(ValueError, match="Nothing describes the tool"):
        tool(lambda x: x)
    with pytest.raises(InvalidInputError, match="func or coroutine"):
        StructuredTool.from_function(description="d")
    with pytest.raises(ValidationError, match="Field required"):
        StructuredTool(name="x")  # type: ignore[call-arg]  # that is the point


async def test_run_takes_the_config_in_single_arguments() -> None:
    with SpanRecorder() as spans:
        assert multiply.run({"a": 1}, run_name="mine", tags=["t"]) == 2
        assert await multiply.arun("4", tool_call_id="z") == ToolMessage("8", name="multiply", tool_call_id="z")
        assert [span.name for span in spans] == ["mine", "multiply"]


@pytest.mark.row("S.18")
@pytest.mark.parametrize("made", [bad_tool, correct_tool], ids=["bad_tool", "correct_tool"])
async def test_a_tool_that_calls_a_runnable_gives_four_records(made: Any) -> None:
    """Context propagates by itself, and only the outer end lacks its input."""
    with SpanRecorder() as spans:
        live = [record async for record in made.astream_events("hello", version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
        assert spans.tree() == [(made.name, [("reverse_word", [])])]
    assert [(r["event"], r["name"], r["data"]) for r in live] == [
        ("on_tool_start", made.name, {"input": "hello"}),
        ("on_chain_start", "reverse_word", {"input": "hello"}),
        ("on_chain_end", "reverse_word", {"input": "hello", "output": "olleh"}),
        ("on_tool_end", made.name, {"output": "olleh"}),
    ]
    assert live[1]["parent_ids"] == [live[0]["run_id"]]


@pytest.mark.row("B3.08")
async def test_live_records_of_a_tool_call_are_replayed_equal() -> None:
    given = call("multiply", a=2)
    chain = RunnablePassthrough() | multiply.model_copy(update={"tags": ["mine"]})
    with SpanRecorder() as spans:
        live = [record async for record in chain.astream_events(given, version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
        attributes = spans.one("multiply").attributes
        assert (attributes[OPERATION_NAME], attributes[TOOL_NAME]) == ("execute_tool", "multiply")
        assert spans.one("multiply").span.name == "execute_tool multiply"
    start, end = (record for record in live if record["event"].startswith("on_tool"))
    assert start["data"] == {"input": {"a": 2}}
    assert end["data"] == {"input": {"a": 2}, "output": ToolMessage("4", name="multiply", tool_call_id="c1")}
    assert start["tags"] == ["seq:step:2", "mine"]
    root = [record async for record in multiply.astream_events(given, version="v2")]
    assert root[0]["data"] == {"input": given}


async def test_a_failing_tool_gives_an_error_record_with_the_calls_id() -> None:
    chain = RunnablePassthrough() | failing
    live: list[dict[str, Any]] = []
    with SpanRecorder() as spans:
        with pytest.raises(ToolException):
            async for record in chain.astream_events(call("failing", how="tool"), version="v2"):
                live.append(record)
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
    assert live[-1]["event"] == "on_tool_error"
    assert live[-1]["data"]["input"] == {"how": "tool"}
    assert live[-1]["data"]["tool_call_id"] == "c1"
    assert isinstance(live[-1]["data"]["error"], ToolException)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_handlers_get_the_arguments_as_text_and_as_a_mapping(mode: str) -> None:
    seen: list[Any] = []

    class Seeing(BaseCallbackHandler):
        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            seen.append((serialized, input_str, kwargs["inputs"], kwargs["tool_call_id"]))

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            seen.append(output)

    bound = later if mode == "async" else multiply
    argument = {"text": "x"} if mode == "async" else {"a": 1}
    await run(bound.with_config(callbacks=[Seeing()]), argument, mode)
    told = {"name": bound.name, "description": bound.description}
    assert seen == [(told, str(argument), argument, None), "x!" if mode == "async" else 2]
