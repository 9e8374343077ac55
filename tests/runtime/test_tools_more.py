"""Tools: docstrings, injected arguments, single inputs, runnables and retrievers as tools, and their text."""

import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from spanloom.runtime.documents import Document
from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import ToolMessage
from spanloom.runtime.prompts import PromptTemplate
from spanloom.runtime.retrievers import BaseRetriever
from spanloom.runtime.runnables import RunnableLambda
from spanloom.runtime.tools import (
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    InjectedToolCallId,
    StructuredTool,
    Tool,
    ToolException,
    convert_runnable_to_tool,
    create_retriever_tool,
    render_text_description,
    render_text_description_and_args,
    tool,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import BaseCallbackHandler, canonical

reverse_word: Any = RunnableLambda(lambda word: word[::-1], name="reverse_word")


@tool
def state_tool(word: str, state: Annotated[dict[str, Any], InjectedToolArg]) -> Any:
    """A tool that needs what no model knows."""
    return reverse_word.invoke(word) + state["mark"]


@tool
async def state_tool_on_loop(word: str, state: Annotated[dict[str, Any], InjectedToolArg]) -> Any:
    """The same, for loops."""
    return await reverse_word.ainvoke(word) + state["mark"]


@tool
async def plain_tool_on_loop(word: str) -> Any:
    """A tool for loops that passes no callbacks on."""
    return await reverse_word.ainvoke(word)


@tool
def plain_tool(word: str) -> Any:
    """A tool that passes no callbacks on."""
    return reverse_word.invoke(word)


@tool
def answering(a: int, own: Annotated[str, InjectedToolCallId]) -> ToolMessage:
    """A tool that writes its message itself."""
    return ToolMessage(f"{a}", tool_call_id=own)


def described(a: int, b: str = "x") -> str:
    """Do it.

    Args:
        a: how often
        b: what
    """
    return b * a


class Words(BaseModel):
    """Arguments with a field of the program."""

    word: str
    own: Annotated[str, InjectedToolCallId]
    state: Annotated[dict[str, Any], InjectedToolArg] = {}


class Query(TypedDict):
    """What a runnable takes."""

    text: str
    times: int


class Two(BaseRetriever):
    """A retriever of two documents."""

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        return [Document(f"{query}{i}", metadata={"i": i}) for i in range(2)]


def call(made: BaseTool, **args: Any) -> dict[str, Any]:
    """A model's tool call."""
    return {"name": made.name, "args": args, "id": "c1", "type": "tool_call"}


async def run(made: Any, value: Any, mode: str) -> Any:
    """The answer of a tool."""
    return made.invoke(value) if mode == "sync" else await made.ainvoke(value)


def test_a_parsed_docstring_describes_each_argument() -> None:
    """Types and defaults come from the signature; without parsing, the whole text is the description."""
    made = tool(parse_docstring=True)(described)
    assert made.description == "Do it."
    assert made.args == {
        "a": {"description": "how often", "title": "A", "type": "integer"},
        "b": {"default": "x", "description": "what", "title": "B", "type": "string"},
    }
    assert tool(parse_docstring=True, description="mine")(described).description == "mine"
    assert tool(described).args["a"] == {"title": "A", "type": "integer"}
    by_method = StructuredTool.from_function(described, parse_docstring=True)
    assert by_method.args == made.args


def test_a_docstring_that_is_not_valid_is_an_error_unless_that_is_allowed() -> None:
    """It must be there and describe arguments; what it describes must exist in any case."""

    def bare(a: int) -> int:
        """Only this."""
        return a

    def wrong(a: int) -> int:
        """Do it.

        Args:
            z: nothing
        """
        return a

    with pytest.raises(ValueError, match="describes no arguments"):
        tool(parse_docstring=True)(bare)
    assert tool(parse_docstring=True, error_on_invalid_docstring=False)(bare).description == "Only this."
    with pytest.raises(ValueError, match="argument 'z'"):
        tool(parse_docstring=True, error_on_invalid_docstring=False)(wrong)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_the_id_of_the_call_is_filled_in(mode: str) -> None:
    """What a model writes for it does not count; without a tool call there is none."""
    assert await run(answering, call(answering, a=1), mode) == ToolMessage("1", tool_call_id="c1")
    assert await run(answering, call(answering, a=1, own="forged"), mode) == ToolMessage("1", tool_call_id="c1")
    with pytest.raises(InvalidInputError, match="takes the id of the tool call as 'own'"):
        await run(answering, {"a": 1}, mode)
    assert answering.run({"a": 1}, tool_call_id="r") == ToolMessage("1", tool_call_id="r")


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_injected_arguments_are_hidden_from_models_and_handlers_but_not_from_the_function(mode: str) -> None:
    """A model's schema, the names of arguments and hooks leave them out; the input schema has them."""
    seen: list[Any] = []

    class Seeing(BaseCallbackHandler):
        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            seen.append((input_str, kwargs["inputs"]))

    made = state_tool if mode == "sync" else state_tool_on_loop
    value = {"word": "ab", "state": {"mark": "!"}}
    assert await run(made.with_config(callbacks=[Seeing()]), value, mode) == "ba!"
    assert seen == [("{'word': 'ab'}", {"word": "ab"})]
    assert list(made.args) == ["word"]
    assert made.is_single_input
    told = made.tool_call_schema
    assert isinstance(told, type)
    assert list(told.model_fields) == ["word"]
    assert list(made.get_input_schema().model_fields) == ["word", "state"]


def test_marks_count_in_a_model_of_arguments_and_in_a_signature_beside_a_schema() -> None:
    """Arguments that only the signature marks are passed on unchecked."""

    @tool(args_schema=Words)
    def by_model(word: str, own: str, state: dict[str, Any]) -> str:
        """Take a model."""
        return f"{word} {own} {state}"

    assert by_model.invoke(call(by_model, word="w")).content == "w c1 {}"
    assert list(by_model.args) == ["word"]

    class One(BaseModel):
        """One argument."""

        word: str

    @tool(args_schema=One)
    def by_signature(word: str, state: Annotated[int, InjectedToolArg]) -> str:
        """Take a signature."""
        return word * state

    assert by_signature.invoke({"word": "w", "state": 2}) == "ww"


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_single_input_tool_takes_one_value_under_any_name(mode: str) -> None:
    """A text, a mapping of one, or a model's call; anything else it refuses as a tool would."""
    made = Tool("twice", lambda x: x * 2, "d")
    assert await run(made, "a", mode) == "aa"
    assert await run(made, {"any": "a"}, mode) == "aa"
    assert await run(made, call(made, __arg1="a"), mode) == ToolMessage("aa", name="twice", tool_call_id="c1")
    for value in ({}, {"x": "a", "y": "b"}):
        with pytest.raises(ToolException, match="takes one value"):
            await run(made, value, mode)
    assert made.args == {"tool_input": {"type": "string"}}
    assert made.is_single_input
    handled = Tool("twice", len, "d", handle_tool_error="no")
    assert await run(handled, {}, mode) == "no"


async def test_a_single_input_tool_is_made_of_functions() -> None:
    """Of a coroutine function as well, and with a schema of its one argument."""

    async def later(text: str) -> str:
        return f"{text}!"

    made = Tool.from_function(None, "later", "d", coroutine=later)
    assert await made.ainvoke("x") == "x!"
    with pytest.raises(NotImplementedError, match="call it with ainvoke"):
        made.invoke("x")
    with pytest.raises(ValueError, match="func or coroutine"):
        Tool.from_function(None, "none", "d")

    class One(BaseModel):
        """One number."""

        n: int

    checked = Tool.from_function(lambda n: n + 1, "plus", "d", args_schema=One)
    assert checked.invoke({"n": "2"}) == 3

    @tool(infer_schema=False)
    def loose(anything):  # type: ignore[no-untyped-def]
        """Take it."""
        return anything

    assert isinstance(loose, Tool)
    assert loose.invoke("x") == "x"


def test_a_name_and_a_function_or_runnable_make_a_tool() -> None:
    """The runnable's input tells the arguments."""
    assert tool("named", described).invoke({"a": 2}) == "xx"

    def repeat(query: Query) -> str:
        return query["text"] * query["times"]

    made = tool("repeat", RunnableLambda(repeat), description="repeats", return_direct=True)
    assert (made.name, made.description, made.return_direct) == ("repeat", "repeats", True)
    assert list(made.args) == ["text", "times"]
    assert made.invoke({"text": "a", "times": 2}) == "aa"
    assert convert_runnable_to_tool(RunnableLambda(repeat), name="r").invoke({"text": "a", "times": 1}) == "a"
    with pytest.raises(ValueError, match="give the name"):
        tool(None, described)  # type: ignore[call-overload]  # that is the point
    with pytest.raises(ValueError, match="put it above a function"):
        tool(3)  # type: ignore[call-overload]  # that is the point


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_retriever_becomes_a_tool_that_gives_texts(mode: str) -> None:
    """The documents are the artifact where one is asked for; the retriever's run is the tool's child."""
    made = create_retriever_tool(Two(), "look", "looks things up")
    with SpanRecorder() as spans:
        assert await run(made, {"query": "q"}, mode) == "q0\n\nq1"
        assert spans.tree() == [("look", [("Two", [])])]
    written = create_retriever_tool(
        Two(),
        "look",
        "looks things up",
        document_prompt=PromptTemplate.from_template("<{page_content}|{i}>"),
        document_separator="#",
        response_format="content_and_artifact",
    )
    message = await run(written, call(written, query="q"), mode)
    assert message.content == "<q0|0>#<q1|1>"
    assert [document.page_content for document in message.artifact] == ["q0", "q1"]


def test_tools_are_written_as_text() -> None:
    """With the signature where there is a blocking function."""
    made = [tool(described), plain_tool_on_loop]
    assert render_text_description(made).splitlines()[0] == "described(a: int, b: str = 'x') -> str - Do it."
    last = render_text_description_and_args(made).splitlines()[-1]
    assert last == (
        "plain_tool_on_loop - A tool for loops that passes no callbacks on., "
        "args: {'word': {'title': 'Word', 'type': 'string'}}"
    )


def test_a_toolkit_gives_its_tools() -> None:
    """It must say which."""

    class Kit(BaseToolkit):
        def get_tools(self) -> list[BaseTool]:
            return [plain_tool]

    assert Kit().get_tools() == [plain_tool]
    with pytest.raises(TypeError, match="abstract"):
        BaseToolkit()  # type: ignore[abstract]  # that is the point


def test_extras_and_other_fields_are_kept() -> None:
    """As given."""
    made = StructuredTool.from_function(described, extras={"cache": True}, tags=["t"], metadata={"m": 1})
    assert (made.extras, made.tags, made.metadata) == ({"cache": True}, ["t"], {"m": 1})
    assert tool(extras={"e": 1})(described).extras == {"e": 1}


@pytest.mark.row("S.18")
@pytest.mark.parametrize("made", [plain_tool, plain_tool_on_loop, state_tool, state_tool_on_loop])
async def test_runnables_inside_a_tool_show_without_passing_callbacks(made: BaseTool) -> None:
    """Blocking and for loops, with arguments that the program fills in too; replayed as they were live."""
    injected = {"state": {"mark": "!"}} if made.name.startswith("state") else {}
    given = {"word": "hello", **injected}
    with SpanRecorder() as spans:
        live = [record async for record in made.astream_events(given, version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
        assert spans.tree() == [(made.name, [("reverse_word", [])])]
    assert [(record["event"], record["name"], record["data"]) for record in live] == [
        ("on_tool_start", made.name, {"input": given}),
        ("on_chain_start", "reverse_word", {"input": "hello"}),
        ("on_chain_end", "reverse_word", {"input": "hello", "output": "olleh"}),
        ("on_tool_end", made.name, {"output": "olleh!" if injected else "olleh"}),
    ]
    assert live[1]["parent_ids"] == [live[0]["run_id"]]
