"""What programs written for the documented interface do, in the ways they do it."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest
from pydantic import BaseModel

from spanloom.runtime.exceptions import InvalidInputError, ModelError
from spanloom.runtime.language_models import LLM, BaseChatModel
from spanloom.runtime.language_models.chat_models import generate_from_stream
from spanloom.runtime.load import dumps, loads
from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    convert_to_openai_image_block,
    convert_to_openai_messages,
    merge_message_runs,
)
from spanloom.runtime.messages.tool import default_tool_chunk_parser, default_tool_parser
from spanloom.runtime.outputs import ChatGenerationChunk, ChatResult
from spanloom.runtime.prompts import BaseChatPromptTemplate, ChatPromptTemplate
from spanloom.runtime.prompts.chat import BaseMessagePromptTemplate
from spanloom.runtime.runnables import RunnableLambda, run_in_executor
from spanloom.runtime.tools import BaseTool, Tool
from spanloom.testing.recorder import SpanRecorder

CALL = {"name": "Joke", "args": {"setup": "why"}, "id": "1"}


class Joke(BaseModel):
    """A joke."""

    setup: str


class Asking(BaseChatModel):
    """A model that makes its answer of its stream, as many programs' models do."""

    chunks: list[AIMessageChunk] = []

    @property
    def _llm_type(self) -> str:
        return "asking"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"chunks": len(self.chunks)}

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for chunk in self.chunks:
            yield ChatGenerationChunk(message=chunk)

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def bind_tools(self, tools: Any, *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        return self.bind(tool_choice=tool_choice)


class Echo(LLM):
    """A text model with parameters."""

    size: int

    @property
    def _llm_type(self) -> str:
        return "echo"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"size": self.size}

    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        return prompt[: self.size]


def test_an_answer_is_the_sum_of_the_models_own_stream() -> None:
    """`generate_from_stream` gives a whole message; a stream without chunks is an error, not an empty answer."""
    chunks = [AIMessageChunk("a"), AIMessageChunk("b")]
    answer = Asking(chunks=chunks).invoke("x")
    assert (type(answer), answer.content) == (AIMessage, "ab")
    with pytest.raises(ModelError, match="no chunk"):
        Asking().invoke("x")


def test_a_model_tells_its_kind_and_parameters() -> None:
    """`dict` and `str` show the identifying parameters, not the fields."""
    assert Asking().dict() == {"chunks": 0, "_type": "asking"}
    assert Echo(size=3).dict() == {"size": 3, "_type": "echo"}
    assert str(Echo(size=3)) == "\033[1mEcho\033[0m\nParams: {'size': 3}"


def test_structured_output_with_the_raw_answer_is_one_tree_of_named_runs() -> None:
    """The model runs once, below the map that keeps its answer; no run is called after a private function."""
    model = Asking(chunks=[AIMessageChunk(content="", tool_calls=[CALL])])
    with SpanRecorder() as spans:
        made = model.with_structured_output(Joke, include_raw=True).invoke("x")
    assert (made["parsed"], made["parsing_error"]) == (Joke(setup="why"), None)
    parsing: Any = ("RunnableSequence", [("RunnableLambda", []), ("PydanticToolsParser", [])])
    both = ("RunnableParallel<parsed,parsing_error>", [parsing, ("RunnableLambda", [])])
    assert spans.tree() == [
        (
            "RunnableSequence",
            [
                ("RunnableParallel<raw>", [("Asking", [])]),
                ("RunnableWithFallbacks", [("RunnableAssign<parsed,parsing_error>", [both])]),
            ],
        )
    ]


class Loose(BaseTool):
    """A tool that names no argument."""

    name: str = "loose"
    description: str = "Takes anything."

    def _run(self, *args: Any, **kwargs: Any) -> str:
        return f"{args} {sorted(kwargs)}"


class Strict(Loose):
    """A tool without arguments."""

    def _run(self) -> str:
        return "done"


def test_a_tool_that_names_no_argument_gets_a_text_as_its_first() -> None:
    """A tool that takes none is called without it."""
    assert Loose().invoke("words").startswith("('words',)")
    assert asyncio.run(Loose().ainvoke("words")).startswith("('words',)")
    assert Strict().invoke("words") == "done"


class OneMessage(BaseMessagePromptTemplate):
    """A part of a conversation, with what it must write and no more."""

    @property
    def input_variables(self) -> list[str]:
        return ["word"]

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(kwargs["word"])]


class OneConversation(BaseChatPromptTemplate):
    """A conversation, with what it must write and no more."""

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return OneMessage().format_messages(**kwargs)


@pytest.mark.parametrize(
    "prompt", [ChatPromptTemplate([OneMessage()]), OneConversation(input_variables=["word"])], ids=["part", "whole"]
)
def test_a_prompt_of_ones_own_writes_its_messages_and_no_more(prompt: BaseChatPromptTemplate) -> None:
    """It is shown under its class's name."""
    assert prompt.invoke({"word": "hi"}).to_messages() == [HumanMessage("hi")]
    assert " One" in prompt.pretty_repr()


@pytest.mark.parametrize("several", [["a", "b"], ("a", "b")])
def test_several_texts_that_a_tool_returns_are_the_content_of_its_message(several: Any) -> None:
    """A tuple says the same as a list."""
    tool = Tool(name="both", func=lambda _: several, description="Both.")
    assert tool.invoke({"type": "tool_call", "name": "both", "args": {"x": ""}, "id": "1"}).content == ["a", "b"]


def test_a_runnable_of_texts_becomes_a_tool_of_one_text() -> None:
    """It takes the text alone or under any name, as models know tools of one text by different names."""

    def shout(text: str) -> str:
        return text.upper()

    tool = RunnableLambda(shout).as_tool(name="shout", description="Shout.")
    assert isinstance(tool, Tool)
    assert [tool.invoke(given) for given in ("a", {"tool_input": "a"}, {"__arg1": "a"})] == ["A", "A", "A"]
    assert asyncio.run(tool.ainvoke("a")) == "A"


def test_messages_that_are_joined_keep_the_metadata_of_the_first() -> None:
    """What a provider said of two answers, such as counts, is not added up."""
    first = AIMessage("a", response_metadata={"count": 1, "model": "m"})
    second = AIMessage("b", response_metadata={"count": 2, "model": "m"})
    assert merge_message_runs([first, second])[0].response_metadata == {"count": 1, "model": "m"}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text"},
        {"type": "image_url"},
        {"type": "tool_use", "id": "1"},
        {"type": "tool_result", "content": "x"},
        {"type": "image"},
        {"type": "image", "base64": "QUJD"},
    ],
)
def test_a_block_that_lacks_what_its_kind_needs_is_refused_before_the_provider_sees_it(block: dict[str, Any]) -> None:
    """The error shows the block; unknown kinds are still passed on."""
    with pytest.raises(InvalidInputError, match=str(block["type"])):
        convert_to_openai_messages([HumanMessage([block])])
    unknown = {"type": "of a provider"}
    assert convert_to_openai_messages(HumanMessage([unknown])) == {"role": "user", "content": [unknown]}


def test_an_image_block_of_either_form_becomes_openais() -> None:
    """The older form names its source; the present one has the key itself."""
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    old = {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": "QUJD"}
    assert convert_to_openai_image_block(old) == url
    assert convert_to_openai_image_block({"type": "image", "mime_type": "image/png", "base64": "QUJD"}) == url
    with pytest.raises(InvalidInputError, match="QUJD"):
        convert_to_openai_image_block({"type": "image", "source_type": "base64", "data": "QUJD"})


def test_raw_calls_are_read_whole_and_in_pieces() -> None:
    """Arguments that are no JSON give an invalid call, and a piece keeps them as they are."""
    raw: list[dict[str, Any]] = [{"id": "1", "index": 0, "function": {"name": "f", "arguments": "{bad"}}, {"index": 1}]
    calls, invalid = default_tool_parser(raw)
    assert (calls, [call["args"] for call in invalid]) == ([], ["{bad"])
    first, second = default_tool_chunk_parser(raw)
    assert first == {"name": "f", "args": "{bad", "id": "1", "index": 0, "type": "tool_call_chunk"}
    assert second == {"name": None, "args": None, "id": None, "index": 1, "type": "tool_call_chunk"}


def test_keys_that_json_can_write_are_dumped() -> None:
    """They come back as texts, as JSON has no others; a mapping with other keys is not dumped."""
    assert loads(dumps({1: {None: 2}})) == {"1": {"null": 2}}
    assert json.loads(dumps({(1, 2): 3}))["type"] == "not_implemented"


WHERE: ContextVar[str] = ContextVar("WHERE")


@pytest.mark.parametrize("config", [None, {"max_concurrency": 1}])
def test_a_blocking_function_runs_beside_the_loop_in_the_callers_context(config: Any) -> None:
    """In a worker thread of ours, or in the executor that is given."""

    def seen(suffix: str, *, mark: str) -> str:
        return WHERE.get() + suffix + mark

    async def main(executor: Executor) -> list[str]:
        WHERE.set("here")
        return [await run_in_executor(where, seen, "!", mark="?") for where in (config, executor)]

    with ThreadPoolExecutor(1) as executor:
        assert asyncio.run(main(executor)) == ["here!?", "here!?"]


def test_a_stop_iteration_from_a_worker_thread_is_told_as_a_runtime_error() -> None:
    """A future cannot carry it; it would be waited for without end."""

    async def main(executor: Executor | None) -> None:
        await run_in_executor(executor, lambda: next(iter(())))

    with ThreadPoolExecutor(1) as executor:
        for where in (None, executor):
            with pytest.raises(RuntimeError, match="StopIteration"):
                asyncio.run(main(where))


def test_a_documented_path_offers_no_name_that_it_does_not_have() -> None:
    """Names that stand above a module are found when asked for; others are an AttributeError as usual."""
    from spanloom.runtime.runnables import base, config

    assert base.RunnableLambda is RunnableLambda  # type: ignore[attr-defined]
    for module in (base, config):
        with pytest.raises(AttributeError, match="Nothing"):
            getattr(module, "Nothing")  # noqa: B009 - a checker would refuse the plain form
