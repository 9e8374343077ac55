"""What messages become on Converse's wire."""

from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage, ChatMessage, FunctionMessage, HumanMessage, SystemMessage, ToolMessage
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse

from .sending import ADD, CALL, PNG, PNG_BYTES, USE, said, sent, sent_messages, user

ASKED = HumanMessage("a")
WITH_TOOLS = {"tools": [ADD]}
IMAGE = {"image": {"format": "png", "source": {"bytes": PNG_BYTES}}}
POINT = {"cachePoint": {"type": "default"}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}
PLACE = {"document_char": {"document_index": 0, "start": 1, "end": 2}}
CITED = {
    "citationsContent": {
        "content": [{"text": "x"}],
        "citations": [
            {
                "title": "t",
                "sourceContent": [{"text": "q"}],
                "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}},
            }
        ],
    }
}

CONVERSATIONS: dict[str, tuple[list[Any], list[Any]]] = {
    "texts of one user join on lines": ([ASKED, HumanMessage("b")], [user("a\nb")]),
    "blocks of one user follow": (
        [ASKED, HumanMessage([{"type": "text", "text": "b"}])],
        [user("a", "b")],
    ),
    "the model's neighbours join": (
        [ASKED, AIMessage("x"), AIMessage("y"), ASKED],
        [user("a"), said("x\ny"), user("a")],
    ),
    "an empty text is a dot": ([HumanMessage("")], [user(".")]),
    "a blank block is a dot": ([HumanMessage([{"type": "text", "text": " "}, "b"])], [user(".", "b")]),
    "an empty answer is a dot": ([ASKED, AIMessage(""), HumanMessage("b")], [user("a"), said("."), user("b")]),
    "no message is a dot": ([], [user(".")]),
    "an answer at the end loses its trailing space": ([ASKED, AIMessage("x \n")], [user("a"), said("x")]),
    "an answer before the end keeps it": ([ASKED, AIMessage("x \n"), ASKED], [user("a"), said("x \n"), user("a")]),
    "only space at the end is a dot": ([ASKED, AIMessage(" ")], [user("a"), said(".")]),
    "a chat message goes by its role": (
        [ChatMessage("a", role="user"), ChatMessage("x", role="assistant"), ASKED],
        [user("a"), said("x"), user("a")],
    ),
    "a thought without a signature is dropped": (
        [ASKED, AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "t"}}, "x"]), ASKED],
        [user("a"), said("x"), user("a")],
    ),
    "nothing but such a thought is a dot": (
        [ASKED, AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "t"}}]), ASKED],
        [user("a"), said("."), user("a")],
    ),
    "citations go back as they came": (
        [
            ASKED,
            AIMessage(
                [
                    {
                        "type": "text",
                        "text": "x",
                        "citations": [{"title": "t", "source_content": [{"text": "q"}], "location": PLACE}],
                    }
                ]
            ),
            ASKED,
        ],
        [user("a"), said(CITED), user("a")],
    ),
    "standard citations go back": (
        [
            ASKED,
            AIMessage(
                [
                    {
                        "type": "text",
                        "text": "x",
                        "annotations": [
                            {"type": "citation", "title": "t", "cited_text": "q", "extras": {"location": PLACE}}
                        ],
                    }
                ]
            ),
            ASKED,
        ],
        [user("a"), said(CITED), user("a")],
    ),
    "a citation of elsewhere stays a text": (
        [ASKED, AIMessage([{"type": "text", "text": "x", "annotations": [{"type": "citation", "url": "u"}]}]), ASKED],
        [user("a"), said("x"), user("a")],
    ),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_put_right(name: str) -> None:
    """Each conversation is sent as the service takes it."""
    messages, wanted = CONVERSATIONS[name]
    assert sent_messages(messages) == wanted


def test_neighbours_of_the_model_join_around_a_call() -> None:
    """A call between two texts, or without one, keeps its place."""
    messages = [ASKED, AIMessage("x"), AIMessage("", tool_calls=[CALL]), AIMessage("y"), ASKED]
    assert sent_messages(messages, **WITH_TOOLS) == [user("a"), said("x", USE, "y"), user("a")]


SIGNED = {
    "as it came": {"type": "reasoning_content", "reasoning_content": {"text": "t", "signature": "s"}},
    "standard": {"type": "reasoning", "reasoning": "t", "extras": {"signature": "s"}},
    "as Anthropic has it": {"type": "thinking", "thinking": "t", "signature": "s"},
    "as Converse has it": {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
}


@pytest.mark.row("C.34")
@pytest.mark.parametrize("form", SIGNED)
def test_a_signed_thought_goes_back_with_its_signature(form: str) -> None:
    """The signature survives in every form of reasoning."""
    assert sent_messages([ASKED, AIMessage([SIGNED[form], "x"]), ASKED])[1] == said(THOUGHT, "x")


@pytest.mark.row("C.34")
@pytest.mark.parametrize(
    "block",
    [
        {"type": "reasoning_content", "reasoning_content": {"redacted_content": b"xx"}},
        {"type": "redacted_thinking", "data": "eHg="},
        {"type": "reasoning", "extras": {"redacted_content": b"xx"}},
    ],
)
def test_a_hidden_thought_goes_back(block: dict[str, Any]) -> None:
    """Hidden reasoning is sent back as the bytes that came."""
    hidden = {"reasoningContent": {"redactedContent": b"xx"}}
    assert sent_messages([ASKED, AIMessage([block, "x"]), ASKED])[1] == said(hidden, "x")


@pytest.mark.parametrize(
    "model", ["openai.gpt-oss-120b-1:0", "amazon.nova-2-lite-v1:0", "deepseek.v3-v1:0", "moonshot.kimi-k2-thinking"]
)
def test_models_that_do_not_sign_get_their_thoughts_back(model: str) -> None:
    """Reasoning without a signature is kept for models that never sign."""
    thought = {"type": "reasoning_content", "reasoning_content": {"text": "t"}}
    wanted = {"reasoningContent": {"reasoningText": {"text": "t"}}}
    assert sent([ASKED, AIMessage([thought, "x"]), ASKED], model=model)["messages"][1] == said(wanted, "x")


@pytest.mark.row("C.03")
@pytest.mark.row("C.23")
def test_system_texts_of_the_model_stand_before_those_of_messages() -> None:
    """The model's own come first; guarded texts, cache points and plain strings are taken."""
    own = {"system": ["own", {"text": "block"}, {"guardContent": {"text": {"text": "g"}}}, POINT]}
    request = sent([SystemMessage("first"), ASKED, SystemMessage(["later", {"cachePoint": {"type": "default"}}])], own)
    texts = [{"text": "own"}, {"text": "block"}, {"guardContent": {"text": {"text": "g"}}}, POINT]
    assert request["system"] == [*texts, {"text": "first"}, {"text": "later"}, POINT]
    assert request["messages"] == [user("a")]


@pytest.mark.row("C.37")
def test_messages_may_be_pairs() -> None:
    """A pair of role and text is a message."""
    request = sent([("system", "s"), ("human", "a"), ("ai", "x"), ("human", "b")])
    assert (request["system"], request["messages"]) == ([{"text": "s"}], [user("a"), said("x"), user("b")])


def test_an_image_in_a_system_message_is_refused() -> None:
    """The refusal says where the image belongs."""
    with pytest.raises(ValueError, match=r"'image'.*user's message"):
        sent([SystemMessage([IMAGE]), ASKED])


def test_a_function_message_is_refused() -> None:
    """A message that answers no call by its id has no form."""
    with pytest.raises(ValueError, match="no place for FunctionMessage"):
        sent([FunctionMessage("r", name="f")])


@pytest.mark.row("C.27")
def test_calls_and_answers_of_tools_are_sent_in_order() -> None:
    """Answers to parallel calls and the text that follows are one message of the user."""
    second = {**CALL, "id": "t2", "args": {}}
    answers = [ToolMessage("r", tool_call_id="t1"), ToolMessage([{"json": {"oK": 1}}], tool_call_id="t2")]
    found = sent([ASKED, AIMessage("", tool_calls=[CALL, second]), *answers, HumanMessage("c")], WITH_TOOLS)["messages"]
    results = [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}], "status": "success"}},
        {"toolResult": {"toolUseId": "t2", "content": [{"json": {"oK": 1}}], "status": "success"}},
    ]
    assert found[1:] == [
        said(USE, {"toolUse": {**USE["toolUse"], "toolUseId": "t2", "input": {}}}),
        user(*results, "c"),
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "name": "add", "input": {"a": 9}, "id": "t1"},
        {"type": "tool_use", "name": "add", "input": '{"a"', "id": "t1", "index": 0},
        {"type": "tool_call", "name": "add", "args": {"a": 9}, "id": "t1"},
        {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 9}}},
    ],
)
def test_a_call_keeps_its_place_and_takes_its_present_arguments(block: dict[str, Any]) -> None:
    """A call in the content is sent once, there, with what `tool_calls` says."""
    message = AIMessage([block, {"type": "text", "text": "x"}], tool_calls=[CALL])
    found = sent([ASKED, message, ToolMessage("r", tool_call_id="t1")], WITH_TOOLS)["messages"]
    assert found[1] == said(USE, "x")


def test_a_call_that_could_not_be_read_is_not_sent() -> None:
    """Neither the unreadable call nor its block reaches the service."""
    broken = {"name": "add", "args": "{", "id": "t1", "error": None}
    block = {"type": "tool_use", "name": "add", "input": "{", "id": "t1"}
    found = sent([ASKED, AIMessage([block], invalid_tool_calls=[broken]), ASKED], WITH_TOOLS)["messages"]
    assert found[1] == said(".")


def test_a_failed_tool_says_so_and_its_cache_point_follows_it() -> None:
    """The status is sent; a cache point stands after the result, which may not hold one."""
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    answer = ToolMessage(["r", image, POINT], tool_call_id="t1", status="error")
    found = sent([ASKED, AIMessage("", tool_calls=[CALL]), answer], WITH_TOOLS)["messages"][2]
    assert found == user(
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}, IMAGE], "status": "error"}}, POINT
    )


def test_without_tools_calls_and_answers_are_told_as_text() -> None:
    """A warning says so; an image in an answer is sent beside the text."""
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    messages = [ASKED, AIMessage("x", tool_calls=[CALL]), ToolMessage(["r", image], tool_call_id="t1")]
    with pytest.warns(UserWarning, match="Bind the tools again"):
        found = sent_messages(messages)
    told = said("x", '[Called add with parameters: {"a": 1}]')
    assert found == [user("a"), told, user("[Tool output: r]", IMAGE)]


def test_answers_of_tools_in_anthropics_form_are_sent() -> None:
    """A user's tool_result blocks become results, failed ones with their status."""
    results = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "r"},
        {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "no"}], "is_error": True},
    ]
    found = sent([ASKED, AIMessage("", tool_calls=[CALL]), HumanMessage(results)], WITH_TOOLS)["messages"][2]
    assert found == user(
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}], "status": "success"}},
        {"toolResult": {"toolUseId": "t2", "content": [{"text": "no"}], "status": "error"}},
    )


@pytest.mark.row("C.23")
def test_of_too_many_cache_points_the_latest_in_the_messages_stay() -> None:
    """Four are sent: those of tools and system, then the last of the conversation."""
    point = ChatBedrockConverse.create_cache_point()
    messages = [
        SystemMessage(["s", point]),
        HumanMessage(["a", point]),
        AIMessage("x"),
        HumanMessage([point, "b", point]),
    ]
    request = sent(messages, {"tools": [ADD, point]})
    assert (request["toolConfig"]["tools"][1], request["system"][1]) == (POINT, POINT)
    assert request["messages"] == [user("a"), said("x"), user(POINT, "b", POINT)]


GUARD = {"guardrail_config": {"guardrailIdentifier": "g", "guardrailVersion": "1"}, "guard_last_turn_only": True}


def guarded(text: str) -> dict[str, Any]:
    return {"guardContent": {"text": {"text": text}}}


@pytest.mark.row("C.19")
def test_only_the_last_turn_is_guarded() -> None:
    """The texts of the user's last message become guarded content; what is not text stays."""
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    found = sent([ASKED, AIMessage("x"), HumanMessage(["b", image, "c"])], GUARD)["messages"]
    assert found == [user("a"), said("x"), user(guarded("b"), IMAGE, guarded("c"))]


@pytest.mark.row("C.19")
def test_a_last_turn_without_text_gets_a_guarded_placeholder() -> None:
    """Without one the guardrail would look at the whole conversation."""
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    assert sent([HumanMessage([image])], GUARD)["messages"] == [user(IMAGE, guarded("."))]
    answered = [ASKED, AIMessage("", tool_calls=[CALL]), ToolMessage("r", tool_call_id="t1")]
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}], "status": "success"}}
    assert sent(answered, {**GUARD, **WITH_TOOLS})["messages"][2] == user(result, guarded("[tool_result]"))


@pytest.mark.row("C.20")
def test_raw_blocks_are_sent_unchanged() -> None:
    """They stand in place of the messages, as they are."""
    raw = [{"role": "user", "content": [{"text": ""}, POINT]}, {"role": "assistant", "content": [{"text": "x "}]}]
    request = sent([SystemMessage("s"), ASKED], {"raw_blocks": raw, **GUARD})
    assert (request["messages"], request["system"]) == (raw, [{"text": "s"}])
