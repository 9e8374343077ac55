"""What function calling is told of tools, from each thing that describes one."""

from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import AIMessage, HumanMessage, ToolMessage
from spanloom.runtime.runnables import RunnableConfig
from spanloom.runtime.tools import InjectedToolArg, InjectedToolCallId, Tool, tool
from spanloom.runtime.tools.convert import tool as converted
from spanloom.runtime.utils.function_calling import (
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
    tool_example_to_messages,
)


class Place(BaseModel):
    """A place."""

    title: str = Field(description="its name")
    height: int | None = None


class Trip(BaseModel):
    """A trip.

    By train.
    """

    days: int = Field(description="how long")
    end: Place
    stops: list[Place] = []
    costs: dict[str, int] = {}


PLACE = {
    "type": "object",
    "description": "A place.",
    "properties": {
        "title": {"type": "string", "description": "its name"},
        "height": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
    },
    "required": ["title"],
}
TRIP = {
    "type": "object",
    "properties": {
        "days": {"type": "integer", "description": "how long"},
        "end": PLACE,
        "stops": {"type": "array", "items": PLACE, "default": []},
        "costs": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
    },
    "required": ["days", "end"],
}


class Point(TypedDict):
    """A point.

    Args:
        x: how far right
    """

    x: Annotated[int, ..., "not this"]
    y: Annotated[int, 0, "how far up"]
    kind: Annotated[Literal["a", "b"], ...]
    note: NotRequired[str]
    near: list["Point"]
    size: int | None


def walk(
    days: int,
    place: str = "here",
    *,
    tags: list[str] | None = None,
    secret: Annotated[str, InjectedToolArg] = "",
    config: RunnableConfig | None = None,
) -> str:
    """Walk around.

    In the rain.

    Args:
        days: how long
            and longer
        place (str): where: exactly

    Returns:
        nothing
    """
    return f"{days}{place}{tags}{secret}{config}"


WALK = {
    "name": "walk",
    "description": "Walk around. In the rain.",
    "parameters": {
        "type": "object",
        "properties": {
            "days": {"type": "integer", "description": "how long and longer"},
            "place": {"type": "string", "default": "here", "description": "where: exactly"},
            "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}], "default": None},
        },
        "required": ["days"],
    },
}
ONE = {"type": "object", "properties": {"a": {"type": "string"}}}
MAPPINGS: list[dict[str, Any]] = [
    {"name": "n", "description": "d", "parameters": ONE, "unknown": 1},
    {"type": "function", "function": {"name": "n", "description": "d", "parameters": ONE}},
    {"name": "n", "description": "d", "input_schema": ONE, "cache_control": {"type": "ephemeral"}},
    {"toolSpec": {"name": "n", "description": "d", "inputSchema": {"json": ONE}}},
    {"title": "n", "description": "d", **ONE},
]


def test_a_model_is_told_without_references_and_titles() -> None:
    """A property named title stays."""
    assert convert_to_openai_function(Trip) == {
        "name": "Trip",
        "description": "A trip.\n\nBy train.",
        "parameters": TRIP,
    }
    assert convert_to_json_schema(Trip) == {"title": "Trip", "description": "A trip.\n\nBy train.", **TRIP}


def test_strict_asks_for_every_property_and_no_other() -> None:
    """Objects inside objects and lists too; the flag stands beside the parameters."""
    function = convert_to_openai_function(Trip, strict=True)
    assert function["strict"] is True
    parameters = function["parameters"]
    assert parameters["required"] == ["days", "end", "stops", "costs"]
    assert parameters["properties"]["costs"]["additionalProperties"] is False
    for part in (parameters, parameters["properties"]["end"], parameters["properties"]["stops"]["items"]):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    assert "strict" not in convert_to_json_schema(Trip, strict=True)
    assert convert_to_openai_function(Trip, strict=False) == {**convert_to_openai_function(Trip), "strict": False}


def test_a_typed_dict_is_told_by_annotations_and_docstring() -> None:
    """The docstring wins; a default or NotRequired makes a key optional."""
    assert convert_to_openai_function(Point) == {
        "name": "Point",
        "description": "A point.",
        "parameters": {
            "type": "object",
            "properties": {
                "x": {"type": "integer", "description": "how far right"},
                "y": {"type": "integer", "description": "how far up", "default": 0},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "note": {"type": "string"},
                "near": {"type": "array", "items": {}},
                "size": {"type": "integer"},
            },
            "required": ["x", "kind", "near", "size"],
        },
    }
    plain: Any = TypedDict("plain", {"a": int})
    assert convert_to_openai_function(plain)["description"] == ""
    wrong: Any = TypedDict("wrong", {"a": Annotated[int, ..., 3]})
    with pytest.raises(InvalidInputError, match="third thing in Annotated"):
        convert_to_openai_function(wrong)


def test_a_function_is_told_by_its_signature_and_docstring() -> None:
    """What the program fills in is left out."""
    assert convert_to_openai_function(walk) == WALK
    assert convert_to_openai_tool(walk) == {"type": "function", "function": WALK}


def test_a_docstring_that_names_an_unknown_argument_is_an_error() -> None:
    """It was renamed in the signature only."""

    def renamed(b: int) -> int:
        """Work.

        Args:
            a: told
        """
        return b

    with pytest.raises(ValueError, match="argument 'a'"):
        convert_to_openai_function(renamed)


def test_a_tool_is_told_under_its_own_name_without_injected_arguments() -> None:
    """The same for arguments that a JSON schema describes."""

    @tool("named")
    def made(a: Annotated[int, "first"], own: Annotated[str, InjectedToolCallId]) -> str:
        """Make."""
        return f"{a}{own}"

    parameters = {"type": "object", "properties": {"a": {"type": "integer", "description": "first"}}, "required": ["a"]}
    assert convert_to_openai_function(made) == {"name": "named", "description": "Make.", "parameters": parameters}

    @tool(args_schema={"title": "T", "type": "object", "properties": {"q": {"type": "string", "title": "Q"}}})
    def told(**given: Any) -> Any:
        """Tell."""
        return given

    one = {"type": "object", "properties": {"q": {"type": "string"}}}
    assert convert_to_openai_function(told) == {"name": "told", "description": "Tell.", "parameters": one}
    simple = convert_to_openai_function(Tool("simple", len, "d"))
    assert simple["parameters"]["required"] == ["__arg1"]
    custom = made.model_copy(update={"metadata": {"type": "custom_tool", "format": {"type": "text"}}})
    assert convert_to_openai_tool(custom) == {
        "type": "custom",
        "name": "named",
        "description": "Make.",
        "format": {"type": "text"},
    }


@pytest.mark.parametrize("given", MAPPINGS)
def test_every_known_mapping_gives_the_same_function(given: dict[str, Any]) -> None:
    """OpenAI's function and tool, Anthropic's, Converse's and a JSON schema; what is given is not changed."""
    before = str(given)
    function = {"name": "n", "description": "d", "parameters": ONE}
    assert convert_to_openai_function(given) == function
    assert convert_to_openai_tool(given) == {"type": "function", "function": function}
    assert convert_to_json_schema(given) == {"title": "n", "description": "d", **ONE}
    strict = convert_to_openai_function(given, strict=True)
    assert strict["parameters"] == {**ONE, "required": ["a"], "additionalProperties": False}
    assert str(given) == before


def test_tools_that_the_provider_runs_are_returned_as_they_are() -> None:
    """They have no schema of ours."""
    for kind in ("web_search", "web_search_preview_2025_03_11", "file_search", "mcp"):
        assert convert_to_openai_tool({"type": kind, "x": 1}) == {"type": kind, "x": 1}
    with pytest.raises(InvalidInputError, match="has no schema"):
        convert_to_json_schema({"type": "web_search"})


@pytest.mark.parametrize("given", [3, "x", None, {}, {"foo": 1}, dict, {"type": "object", "properties": {}}])
def test_what_describes_no_function_is_a_value_error(given: Any) -> None:
    """The message says what was given."""
    for convert in (convert_to_openai_function, convert_to_openai_tool, convert_to_json_schema):
        with pytest.raises(ValueError, match="describes no function"):
            convert(given)


def test_a_function_that_says_another_strict_is_an_error() -> None:
    """Neither is taken over the other."""
    given = {"name": "n", "parameters": {}, "strict": True}
    assert convert_to_openai_function(given, strict=True)["strict"] is True
    with pytest.raises(ValueError, match="strict=True, but strict=False"):
        convert_to_openai_function(given, strict=False)


def test_a_model_that_holds_itself_is_told_once() -> None:
    """Inside itself anything may stand."""

    class Tree(BaseModel):
        """A tree."""

        inside: list["Tree"] = []

    assert convert_to_openai_function(Tree)["parameters"]["properties"]["inside"] == {
        "type": "array",
        "default": [],
        "items": {},
    }


def test_an_example_is_written_as_messages() -> None:
    """The answers bear the ids of the calls."""
    asked, called, answered, said = tool_example_to_messages("q", [Place(title="t")], ["o"], ai_response="done")
    assert isinstance(called, AIMessage)
    assert isinstance(answered, ToolMessage)
    assert (asked, said) == (HumanMessage("q"), AIMessage("done"))
    (call,) = called.tool_calls
    assert (call["name"], call["args"]) == ("Place", {"title": "t", "height": None})
    assert (answered.content, answered.tool_call_id) == ("o", call["id"])
    assert called.additional_kwargs["tool_calls"][0]["function"]["arguments"] == '{"title":"t","height":null}'
    with pytest.raises(ValueError, match="1 calls have 2 outputs"):
        tool_example_to_messages("q", [Place(title="t")], ["a", "b"])


def test_the_documented_paths_name_the_same_things() -> None:
    """The decorator is found beside the conversions."""
    assert converted is tool
