"""Structured output by a tool and by a schema of the text."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.testing.bedrock_server import BedrockServer

from .asking import Mode, answered, bodies, both, model_of
from .sending import CLAUDE


class Joke(BaseModel):
    """Joke to tell user."""

    setup: str = Field(description="The setup of the joke")
    punchline: str = Field(description="The punchline to the joke")
    rating: int | None = None


TOLD = {"setup": "Why?", "punchline": "Because."}
JOKE = Joke(setup="Why?", punchline="Because.")
SCHEMA = {
    "title": "joke",
    "description": "A joke.",
    "type": "object",
    "properties": {"setup": {"type": "string"}, "parts": {"type": "object", "properties": {}}},
}
CALL = {"toolUse": {"toolUseId": "t", "name": "Joke", "input": TOLD}}


@both
@pytest.mark.row("C.28")
def test_a_tool_call_gives_the_object(server: BedrockServer, mode: Mode) -> None:
    """The schema is the one tool, and the model must call it."""
    server.script("converse", {"blocks": [CALL]})
    assert answered(mode, model_of(server).with_structured_output(Joke)) == JOKE
    (body,) = bodies(server)
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "Joke"}}
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["Joke"]


@both
@pytest.mark.row("C.28")
def test_a_text_held_to_the_schema_gives_the_object(server: BedrockServer, mode: Mode) -> None:
    """The schema goes with the request, closed against further properties; thoughts do not disturb."""
    thought = {"reasoningContent": {"reasoningText": {"text": "{", "signature": "s"}}}
    server.script("converse", {"blocks": [thought, {"text": json.dumps(TOLD)}]})
    assert answered(mode, model_of(server).with_structured_output(Joke, method="json_schema")) == JOKE
    (body,) = bodies(server)
    told = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    schema = json.loads(told["schema"])
    assert (told["name"], told["description"]) == ("Joke", "Joke to tell user.")
    assert (schema["additionalProperties"], schema["required"]) == (False, ["setup", "punchline"])
    assert "toolConfig" not in body


@both
@pytest.mark.row("C.28")
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_a_mapping_schema_gives_dicts(server: BedrockServer, mode: Mode, method: Any) -> None:
    """Objects within are closed, too."""
    blocks = {
        "function_calling": {"toolUse": {"toolUseId": "t", "name": "joke", "input": {"setup": "a"}}},
        "json_schema": {"text": '{"setup": "a"}'},
    }
    server.script("converse", {"blocks": [blocks[method]]})
    assert answered(mode, model_of(server).with_structured_output(SCHEMA, method=method)) == {"setup": "a"}
    if method == "json_schema":
        schema = json.loads(bodies(server)[0]["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
        assert schema["properties"]["parts"]["additionalProperties"] is False


@both
@pytest.mark.row("C.28")
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_include_raw_gives_the_message_the_object_and_the_error(server: BedrockServer, mode: Mode, method: Any) -> None:
    """A failure to read is told, not raised."""
    good = {"blocks": [CALL]} if method == "function_calling" else {"text": json.dumps(TOLD)}
    bad = (
        {"blocks": [{"toolUse": {"toolUseId": "t", "name": "Joke", "input": {"setup": 1}}}]}
        if method == "function_calling"
        else {"text": "no JSON"}
    )
    server.script("converse", good)
    server.script("converse", bad)
    chain = model_of(server).with_structured_output(Joke, method=method, include_raw=True)
    first, second = answered(mode, chain), answered(mode, chain)
    assert (first["parsed"], first["parsing_error"], first["raw"].type) == (JOKE, None, "ai")
    assert second["parsed"] is None
    assert isinstance(second["parsing_error"], OutputParserException | ValueError)


@pytest.mark.parametrize(
    ("model", "more", "wanted"),
    [
        (CLAUDE, {}, {"tool": {"name": "Joke"}}),
        ("mistral.mistral-large-2407-v1:0", {}, {"any": {}}),
        ("meta.llama3-1-70b-instruct-v1:0", {}, None),
        (CLAUDE, {"additional_model_request_fields": {"thinking": {"type": "enabled"}}}, None),
    ],
)
def test_the_call_is_forced_as_far_as_the_model_lets_itself(model: str, more: dict[str, Any], wanted: Any) -> None:
    """By name, else any, else not at all."""
    chain: Any = ChatBedrockConverse(model=model, **more).with_structured_output(Joke)
    assert chain.first.kwargs.get("tool_choice") == wanted


def test_an_unknown_method_is_refused() -> None:
    """The refusal lists the methods."""
    with pytest.raises(ValueError, match="'function_calling' or 'json_schema'"):
        ChatBedrockConverse(model=CLAUDE).with_structured_output(Joke, method="json_mode")  # type: ignore[arg-type]
