"""Tools and tool choices on Converse's wire."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.runtime.models.bedrock.converse.request import tool_config
from spanloom.runtime.runnables import ConfigurableField
from spanloom.runtime.tools import tool

from .sending import ADD, CLAUDE, asked


@tool
def shout(text: str, times: int | None = None) -> str:
    """Say it louder."""
    return text.upper() * (times or 1)


class GetWeather(BaseModel):
    """Tell the weather."""

    place: str = Field(description="where")
    unit: str | None = None


def locate(name: str) -> str:
    """Find a place.

    Args:
        name: What it is called.
    """
    return name


def config(tools: list[Any], model: str = CLAUDE, own: dict[str, Any] | None = None, **call: Any) -> dict[str, Any]:
    made = tool_config(asked(own, {"tools": tools, **call}, model=model))
    assert made is not None
    return made


def spec(name: str, description: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    schema = {"properties": properties, "required": required, "type": "object", **more.pop("schema", {})}
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}, **more}}


TEXT = {"type": "string"}
WEATHER = {"place": {"description": "where", "type": "string"}, "unit": {"type": "string", "default": None}}
BARE = {"type": "object", "properties": {"a": TEXT}}
NAMED = {"name": "n", "description": "d", "inputSchema": {"json": BARE}}
TOOLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "pydantic class": (GetWeather, spec("GetWeather", "Tell the weather.", WEATHER, ["place"])),
    "function": (
        locate,
        spec("locate", "Find a place.", {"name": {"description": "What it is called.", "type": "string"}}, ["name"]),
    ),
    "tool object": (
        shout,
        spec("shout", "Say it louder.", {"text": TEXT, "times": {"type": "integer", "default": None}}, ["text"]),
    ),
    "OpenAI's form": (
        {"type": "function", "function": {"name": "n", "description": "d", "parameters": BARE, "strict": True}},
        {"toolSpec": {**NAMED, "strict": True}},
    ),
    "without a description": (
        {
            "type": "function",
            "function": {
                "name": "n",
                "parameters": {"type": "object", "properties": {"a": {"anyOf": [TEXT, {"type": "null"}]}}},
            },
        },
        {"toolSpec": {**NAMED, "description": "n"}},
    ),
    "Anthropic's form": ({"name": "n", "description": "d", "input_schema": BARE}, {"toolSpec": NAMED}),
    "JSON schema": ({"title": "n", "description": "d", **BARE}, {"toolSpec": NAMED}),
    "Bedrock's form": (ADD, ADD),
    "cache point": (ChatBedrockConverse.create_cache_point(), {"cachePoint": {"type": "default"}}),
    "system tool's name": ("nova_grounding", {"systemTool": {"name": "nova_grounding"}}),
    "system tool": ({"systemTool": {"name": "nova_grounding"}}, {"systemTool": {"name": "nova_grounding"}}),
}


@pytest.mark.row("C.26")
@pytest.mark.parametrize("form", TOOLS)
def test_a_tool_of_any_form_is_offered(form: str) -> None:
    """Every form gives what Converse takes; a property that may be null is told without that."""
    given, wanted = TOOLS[form]
    assert config([given]) == {"tools": [wanted]}


@pytest.mark.row("C.26")
def test_a_strict_tool_requires_every_property_and_keeps_null() -> None:
    """Null is then the only way to leave a property out."""
    (made,) = config([shout], strict=True)["tools"]
    schema = made["toolSpec"]["inputSchema"]["json"]
    assert (made["toolSpec"]["strict"], schema["required"], schema["additionalProperties"]) == (
        True,
        ["text", "times"],
        False,
    )
    assert {"type": "null"} in schema["properties"]["times"]["anyOf"]


@pytest.mark.row("C.26")
@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"auto": {}}),
        ("any", {"any": {}}),
        ("required", {"any": {}}),
        ("add", {"tool": {"name": "add"}}),
        (True, {"tool": {"name": "add"}}),
        ({"tool": {"name": "add"}}, {"tool": {"name": "add"}}),
        ({"any": {}}, {"any": {}}),
        ({"auto": {}}, {"auto": {}}),
        ({"type": "function", "function": {"name": "add"}}, {"tool": {"name": "add"}}),
        ({"type": "tool", "name": "add"}, {"tool": {"name": "add"}}),
        ({"type": "any"}, {"any": {}}),
        (None, None),
        (False, None),
        ("none", None),
    ],
)
def test_a_choice_of_any_form_is_sent(choice: Any, wanted: Any) -> None:
    """Every way to choose gives what Converse takes; no choice sends none."""
    assert config([ADD], tool_choice=choice).get("toolChoice") == wanted


@pytest.mark.parametrize("choice", ["nope", {"tool": {"name": "nope"}}, {"maybe": {}}, 1])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    """The refusal lists the bound tools."""
    with pytest.raises(ValueError, match="'add'"):
        config([ADD], tool_choice=choice)


@pytest.mark.row("C.14")
@pytest.mark.parametrize(
    ("model", "choices"),
    [
        (CLAUDE, ("auto", "any", "tool")),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", ("auto", "any", "tool")),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", ("auto", "any", "tool")),
        ("mistral.mistral-large-2407-v1:0", ("auto", "any")),
        ("mistral.mistral-small-2402-v1:0", ()),
        ("meta.llama3-1-70b-instruct-v1:0", ("auto",)),
        ("us.meta.llama4-scout-17b-instruct-v1:0", ("auto",)),
        ("meta.llama3-70b-instruct-v1:0", ()),
        ("amazon.nova-pro-v1:0", ("auto", "any", "tool")),
        ("amazon.titan-text-express-v1", ()),
        ("cohere.command-r-plus-v1:0", ()),
        ("deepseek.v3-v1:0", ("auto", "any")),
        ("openai.gpt-oss-120b-1:0", ()),
        ("twelvelabs.pegasus-1-2-v1:0", ()),
    ],
)
def test_tool_choices_are_known_by_the_model(model: str, choices: tuple[str, ...]) -> None:
    """The model's id tells what it takes, whatever geography it is reached in."""
    assert ChatBedrockConverse(model=model, region_name="us-east-1").supports_tool_choice_values == choices


@pytest.mark.row("C.14")
def test_a_choice_that_the_model_does_not_take_is_refused_unless_the_caller_knows_better() -> None:
    """The refusal names what the model takes; `supports_tool_choice_values` wins over what is known."""
    model = "meta.llama3-1-70b-instruct-v1:0"
    with pytest.raises(ValueError, match=r"kind 'any'; it takes 'auto'.*supports_tool_choice_values"):
        ChatBedrockConverse(model=model).bind_tools([ADD], tool_choice="any")
    told = ChatBedrockConverse(model=model, supports_tool_choice_values=("any",))
    bound: Any = told.bind_tools([ADD], tool_choice="any")
    assert bound.kwargs["tool_choice"] == {"any": {}}


THINKING = {"additional_model_request_fields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}


def test_a_thinking_model_is_left_the_choice_with_a_warning() -> None:
    """No tool can be forced on a model that thinks."""
    with pytest.warns(UserWarning, match="while it thinks"):
        assert config([ADD], own=THINKING, tool_choice="any")["toolChoice"] == {"auto": {}}
    assert config([ADD], own=THINKING, tool_choice="auto")["toolChoice"] == {"auto": {}}


@pytest.mark.row("C.24")
@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (CLAUDE, False),
        ("anthropic.claude-v2", "tool_calling"),
        ("amazon.nova-lite-v1:0", False),
        ("meta.llama3-1-70b-instruct-v1:0", "tool_calling"),
        ("mistral.mistral-large-2407-v1:0", "tool_calling"),
        ("cohere.command-r-plus-v1:0", False),
        ("ai21.j2-ultra-v1", True),
        ("stability.some-model", True),
    ],
)
def test_streaming_is_known_by_the_model(model: str, wanted: Any) -> None:
    """What the model can do decides, and what the caller says wins."""
    assert ChatBedrockConverse(model=model).disable_streaming == wanted
    assert ChatBedrockConverse(model=model, disable_streaming=False).disable_streaming is False


def test_binding_tools_keeps_arguments_for_each_call() -> None:
    """Further arguments go with the tools; the model itself is not changed."""
    model = ChatBedrockConverse(model=CLAUDE)
    bound: Any = model.bind_tools([ADD], tool_choice="add", temperature=0.5)
    assert bound.kwargs == {"tools": [ADD], "tool_choice": {"tool": {"name": "add"}}, "temperature": 0.5}
    assert model == ChatBedrockConverse(model=CLAUDE)


def test_a_tool_of_another_provider_is_refused() -> None:
    """A tool that only another provider's service runs has no form here."""
    with pytest.raises(ValueError, match="web_search_20250305"):
        config([{"type": "web_search_20250305", "name": "web_search"}])


@pytest.mark.row("C.14")
@pytest.mark.row("C.24")
def test_a_configurable_model_is_known_by_the_id_that_is_chosen() -> None:
    """What followed from the first model is not carried over to the chosen one; what the caller said is."""
    model = ChatBedrockConverse(model="meta.llama3-1-70b-instruct-v1:0", temperature=0.5)
    choice = ConfigurableField(id="model")
    chosen: Any = model.configurable_fields(model_id=choice).with_config(configurable={"model": CLAUDE})
    made, _ = chosen.bound.prepare(chosen.config)
    assert (made.supports_tool_choice_values, made.disable_streaming, made.temperature) == (
        ("auto", "any", "tool"),
        False,
        0.5,
    )
