"""Structured output of chat models that take tools, and what models without tools say."""

import asyncio
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel, ValidationError

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.language_models import BaseChatModel, FakeChatModel
from spanloom.runtime.messages import AIMessage
from spanloom.runtime.outputs import ChatGeneration, ChatResult
from spanloom.runtime.runnables import Runnable
from spanloom.runtime.tools.convert import convert_to_openai_tool

both = pytest.mark.parametrize("mode", ["sync", "async"])


class Joke(BaseModel):
    """A joke."""

    setup: str


class JokeDict(TypedDict):
    """A joke."""

    setup: str


SCHEMA = {
    "title": "Joke",
    "description": "A joke.",
    "type": "object",
    "properties": {"setup": {"type": "string"}},
    "required": ["setup"],
}
FUNCTION = {"name": "Joke", "description": "A joke.", "parameters": SCHEMA}
FORMS: list[Any] = [Joke, JokeDict, SCHEMA, FUNCTION]
forms = pytest.mark.parametrize("form", FORMS, ids=["pydantic", "typed dict", "schema", "function"])


class Caller(BaseChatModel):
    """Takes tools and gives one message whatever is asked."""

    message: AIMessage
    bound: list[Any] = []
    asked: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "caller"

    def bind_tools(self, tools: Any, *, tool_choice: str | None = None, **kwargs: Any) -> Runnable[Any, Any]:
        """Return the model with the tools in OpenAI's form."""
        self.bound.append((tools, tool_choice, kwargs))
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.asked.append(kwargs)
        return ChatResult(generations=[ChatGeneration(message=self.message)])


def calling(name: str = "Joke", **arguments: Any) -> Caller:
    call = {"name": name, "args": arguments, "id": "1", "type": "tool_call"}
    return Caller(message=AIMessage("", tool_calls=[call]), bound=[], asked=[])


def ask(mode: str, runnable: Any, config: Any = None) -> Any:
    return runnable.invoke("hi", config) if mode == "sync" else asyncio.run(runnable.ainvoke("hi", config))


def name_of(form: Any) -> str:
    return "JokeDict" if form is JokeDict else "Joke"


@both
@forms
def test_the_arguments_of_the_call_are_the_answer(form: Any, mode: str) -> None:
    """A pydantic class gives its object, every other form a dict."""
    given = ask(mode, calling(name_of(form), setup="s").with_structured_output(form))
    assert given == (Joke(setup="s") if form is Joke else {"setup": "s"})


@forms
def test_the_schema_is_the_one_tool_that_must_be_called(form: Any, hooks: Any) -> None:
    """Handlers are told what shape is asked for; the provider gets tools and choice alone."""
    model = calling(name_of(form), setup="s")
    model.with_structured_output(form).invoke("hi", {"callbacks": [hooks]})
    shape = {"kwargs": {"method": "function_calling"}, "schema": form}
    assert model.bound == [([form], "any", {"ls_structured_output_format": shape})]
    assert [set(kwargs) for kwargs in model.asked] == [{"tools", "tool_choice"}]
    ((_, kwargs),) = hooks.of("start")
    assert kwargs["options"] == {"stop": None, "ls_structured_output_format": shape}
    assert "ls_structured_output_format" not in kwargs["invocation_params"]


@both
@forms
def test_with_raw_a_good_answer_comes_beside_its_message(form: Any, mode: str) -> None:
    """The error is None then."""
    model = calling(name_of(form), setup="s")
    given = ask(mode, model.with_structured_output(form, include_raw=True))
    assert list(given) == ["raw", "parsed", "parsing_error"]
    assert given["raw"].tool_calls == model.message.tool_calls
    assert given["parsed"] == (Joke(setup="s") if form is Joke else {"setup": "s"})
    assert given["parsing_error"] is None


@both
def test_with_raw_a_bad_answer_raises_nothing(mode: str) -> None:
    """The message is there, the parsed value is None, and the error says why."""
    given = ask(mode, calling(other=1).with_structured_output(Joke, include_raw=True))
    assert given["raw"].tool_calls[0]["args"] == {"other": 1}
    assert given["parsed"] is None
    assert "setup" in str(given["parsing_error"])


@both
def test_without_raw_a_bad_answer_raises(mode: str) -> None:
    """The parser's error reaches the caller."""
    with pytest.raises((ValidationError, OutputParserException), match="setup"):
        ask(mode, calling(other=1).with_structured_output(Joke))


@both
@forms
def test_an_answer_without_a_call_is_none(form: Any, mode: str) -> None:
    """A model may answer in words although a call was asked for."""
    model = Caller(message=AIMessage("words"), bound=[], asked=[])
    assert ask(mode, model.with_structured_output(form)) is None
    given = ask(mode, model.with_structured_output(form, include_raw=True))
    assert (given["raw"].content, given["parsed"], given["parsing_error"]) == ("words", None, None)


def test_arguments_it_does_not_know_are_refused() -> None:
    """`method` and `strict` are known and mean nothing here."""
    with pytest.raises(ValueError, match="colour"):
        calling(setup="s").with_structured_output(Joke, colour="red")
    assert calling(setup="s").with_structured_output(Joke, method="x", strict=True).invoke("hi") == Joke(setup="s")


@pytest.mark.parametrize("form", [5, {"x": 1}])
def test_what_is_no_schema_is_refused_at_once(form: Any) -> None:
    """The error comes before any call."""
    with pytest.raises(ValueError, match=r".+"):
        calling().with_structured_output(form)


def test_a_model_without_tools_has_no_structured_output() -> None:
    """The default of bind_tools refuses, and so does all that stands on it."""
    with pytest.raises(NotImplementedError, match="takes no tools"):
        FakeChatModel().with_structured_output(Joke)
    with pytest.raises(NotImplementedError, match="takes no tools"):
        FakeChatModel().bind_tools([Joke], tool_choice="any")
