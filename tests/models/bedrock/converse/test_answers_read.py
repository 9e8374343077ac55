"""What an answer of Converse becomes."""

from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.runtime.models.bedrock.converse.answer import parse_answer
from spanloom.runtime.models.bedrock.counting import usage_from_converse

from .sending import CLAUDE, sent_messages

USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
REQUEST = {"RequestId": "r", "HTTPStatusCode": 200}


def answer(*content: Any, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(content)}
    return {
        "ResponseMetadata": REQUEST,
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": USAGE,
        **more,
    }


def read(*content: Any, **more: Any) -> AIMessage:
    return parse_answer(answer(*content, **more), CLAUDE)


@pytest.mark.row("C.31")
@pytest.mark.row("C.36")
def test_an_answer_is_a_message_with_a_list_of_blocks_and_all_that_was_said_of_it() -> None:
    """A single text stays a block; the latency is one number; usage has three counts."""
    message = read({"text": "J'aime la programmation."}, metrics={"latencyMs": 609})
    assert message == AIMessage(
        content=[{"type": "text", "text": "J'aime la programmation."}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={
            "ResponseMetadata": REQUEST,
            "stopReason": "end_turn",
            "metrics": {"latencyMs": 609},
            "model_provider": "bedrock_converse",
            "model_name": CLAUDE,
        },
    )
    assert message.text == "J'aime la programmation."
    assert read(metrics={"latencyMs": [609]}).response_metadata["metrics"] == {"latencyMs": 609}


@pytest.mark.row("C.13")
def test_what_is_said_beside_the_content_is_kept() -> None:
    """Trace, tier, performance and further fields keep the service's names and the model's keys."""
    more = {
        "trace": {"guardrail": {"modelOutput": ["x"]}},
        "serviceTier": {"type": "flex"},
        "performanceConfig": {"latency": "optimized"},
        "additionalModelResponseFields": {"stop_sequence": "aB"},
    }
    found = read({"text": "x"}, **more).response_metadata
    assert {key: found[key] for key in more} == more


PLACE = {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}}
CITED = {
    "citationsContent": {
        "content": [{"text": "x"}],
        "citations": [{"title": "t", "sourceContent": [{"text": "q"}], "location": PLACE}],
    }
}
SNAKE_PLACE = {"document_char": {"document_index": 0, "start": 1, "end": 2}}
SOURCE = {"type": "base64", "data": "YWJj"}
BLOCKS: dict[str, tuple[Any, Any]] = {
    "text": ({"text": "x"}, {"type": "text", "text": "x"}),
    "call": (
        {"toolUse": {"toolUseId": "t", "name": "n", "input": {"aB": 1}}},
        {"type": "tool_use", "name": "n", "input": {"aB": 1}, "id": "t"},
    ),
    "call of the service": (
        {"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}},
        {"type": "server_tool_use", "name": "n", "input": {}, "id": "t"},
    ),
    "answer of the service's tool": (
        {"toolResult": {"toolUseId": "t", "content": [{"json": {"fooBar": 1}}], "type": "g", "status": "success"}},
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "is_error": False,
            "content": [{"type": "json", "json": {"fooBar": 1}}],
            "result_type": "g",
        },
    ),
    "reasoning": (
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"type": "reasoning_content", "reasoning_content": {"text": "t", "signature": "s"}},
    ),
    "hidden reasoning": (
        {"reasoningContent": {"redactedContent": b"zz"}},
        {"type": "reasoning_content", "reasoning_content": {"redacted_content": b"zz"}},
    ),
    "citations": (
        CITED,
        {
            "type": "text",
            "text": "x",
            "citations": [{"title": "t", "source_content": [{"text": "q"}], "location": SNAKE_PLACE}],
        },
    ),
    "image": (
        {"image": {"format": "png", "source": {"bytes": b"abc"}}},
        {"type": "image", "source": {**SOURCE, "media_type": "image/png"}},
    ),
    "video": (
        {"video": {"format": "three_gp", "source": {"bytes": b"abc"}}},
        {"type": "video", "source": {**SOURCE, "media_type": "video/3gpp"}},
    ),
    "video in S3": (
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a", "bucketOwner": "1"}}}},
        {
            "type": "video",
            "video": {"format": "mp4", "source": {"s3_location": {"uri": "s3://a", "bucket_owner": "1"}}},
        },
    ),
    "document": (
        {"document": {"format": "pdf", "name": "n", "source": {"bytes": b"abc"}}},
        {"type": "document", "document": {"format": "pdf", "name": "n", "source": {"bytes": b"abc"}}},
    ),
    "guarded content": (
        {"guardContent": {"text": {"text": "g"}}},
        {"type": "guard_content", "guard_content": {"type": "text", "text": "g"}},
    ),
    "cache point": (
        {"cachePoint": {"type": "default"}},
        {"type": "non_standard", "value": {"cachePoint": {"type": "default"}}},
    ),
    "member of tomorrow": (
        {"newThing": {"fooBar": 1}},
        {"type": "non_standard", "value": {"newThing": {"fooBar": 1}}},
    ),
    "member that boto3 does not know": (
        {"SDK_UNKNOWN_MEMBER": {"name": "foo"}},
        {"type": "non_standard", "value": {"SDK_UNKNOWN_MEMBER": {"name": "foo"}}},
    ),
    "member of another type": ({"image": "x"}, {"type": "non_standard", "value": {"image": "x"}}),
}


@pytest.mark.row("X.07")
@pytest.mark.row("C.34")
@pytest.mark.parametrize("kind", BLOCKS)
def test_a_block_is_read_or_kept_as_it_came(kind: str) -> None:
    """Known members get the documented form, unknown ones are kept; none is an error."""
    given, wanted = BLOCKS[kind]
    assert read(given).content == [wanted]


_NOT_SENT_BACK = {"member that boto3 does not know", "member of another type", "call of the service", "call"}


@pytest.mark.row("C.34")
@pytest.mark.parametrize("kind", [kind for kind in BLOCKS if kind not in _NOT_SENT_BACK])
def test_what_was_read_goes_back_as_it_came(kind: str) -> None:
    """A block of an answer in the next request is what the service sent."""
    given, _ = BLOCKS[kind]
    sent = sent_messages(
        [HumanMessage("a"), read({"text": "x"}, given), HumanMessage("b")], tools=[{"systemTool": {"name": "n"}}]
    )
    assert sent[1]["content"] == [{"text": "x"}, given]


@pytest.mark.row("C.27")
def test_calls_in_one_answer_are_all_read() -> None:
    """Four calls come as four, in order, with their ids."""
    uses = [{"toolUse": {"toolUseId": f"t{n}", "name": f"n{n % 2}", "input": {"n": n}}} for n in range(4)]
    wanted = [{"name": f"n{n % 2}", "args": {"n": n}, "id": f"t{n}", "type": "tool_call"} for n in range(4)]
    message = read({"text": "x"}, *uses, stopReason="tool_use")
    assert (message.tool_calls, message.invalid_tool_calls) == (wanted, [])
    assert [block["type"] for block in message.content_blocks] == ["text", *["tool_call"] * 4]


@pytest.mark.parametrize(("given", "told"), [("{bad", "{bad"), ([1], "[1]")])
def test_arguments_that_are_no_object_make_an_invalid_call(given: Any, told: str) -> None:
    """The call is kept with what the model wrote."""
    message = read({"toolUse": {"toolUseId": "t", "name": "n", "input": given}})
    (invalid,) = message.invalid_tool_calls
    assert (message.tool_calls, invalid["args"], invalid["id"], invalid["name"]) == ([], told, "t", "n")


def test_a_call_of_the_service_is_none_of_ours() -> None:
    """What the service runs itself is not for the program to run."""
    assert read(BLOCKS["call of the service"][0]).tool_calls == []


@pytest.mark.parametrize("message", [{}, {"content": None}, {"role": "assistant", "content": []}])
def test_an_answer_without_content_is_an_empty_message(message: dict[str, Any]) -> None:
    """Nothing said is nothing read."""
    found = parse_answer({"output": {"message": message}, "stopReason": "end_turn"}, CLAUDE)
    assert (found.content, found.usage_metadata) == ([], None)


COUNTS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "plain": (USAGE, None, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    "cache": (
        {
            "inputTokens": 10,
            "outputTokens": 2,
            "totalTokens": 20,
            "cacheReadInputTokens": 5,
            "cacheWriteInputTokens": 3,
        },
        None,
        {
            "input_tokens": 18,
            "output_tokens": 2,
            "total_tokens": 20,
            "input_token_details": {"cache_read": 5, "cache_creation": 3},
        },
    ),
    "cache by time to live": (
        {
            "inputTokens": 10,
            "outputTokens": 2,
            "totalTokens": 17,
            "cacheReadInputTokens": 0,
            "cacheWriteInputTokens": 5,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 2}],
        },
        None,
        {
            "input_tokens": 15,
            "output_tokens": 2,
            "total_tokens": 17,
            "input_token_details": {
                "cache_read": 0,
                "cache_creation": 5,
                "ephemeral_1h_input_tokens": 3,
                "ephemeral_5m_input_tokens": 2,
            },
        },
    ),
    "reasoning": (
        USAGE,
        {"usage": {"output_tokens_details": {"thinking_tokens": 7}}},
        {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "output_token_details": {"reasoning": 7}},
    ),
    "no total": (
        {"inputTokens": 1, "outputTokens": 2},
        "x",
        {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    ),
}


@pytest.mark.row("X.20")
@pytest.mark.row("C.36")
@pytest.mark.parametrize("case", COUNTS)
def test_tokens_are_counted_with_those_of_caches(case: str) -> None:
    """All that entered the model is input; details are absent when the service sends none."""
    usage, additional, wanted = COUNTS[case]
    assert usage_from_converse(usage, additional) == wanted


BLOCKS_IN_STANDARD_FORM: dict[str, Any] = {
    "reasoning": {"type": "reasoning", "reasoning": "t", "extras": {"signature": "s"}},
    "citations": {
        "type": "text",
        "text": "x",
        "annotations": [{"type": "citation", "title": "t", "cited_text": "q", "extras": {"location": SNAKE_PLACE}}],
    },
    "call": {"type": "tool_call", "name": "n", "args": {"aB": 1}, "id": "t"},
    "image": {"type": "image", "base64": "YWJj", "mime_type": "image/png"},
    "video": {"type": "video", "base64": "YWJj", "mime_type": "video/3gpp"},
    "video in S3": {"type": "video", "url": "s3://a", "mime_type": "video/mp4", "extras": {"bucket_owner": "1"}},
    "document": {"type": "file", "base64": "YWJj", "mime_type": "application/pdf", "extras": {"name": "n"}},
    "call of the service": {"type": "server_tool_call", "name": "n", "args": {}, "id": "t"},
}


@pytest.mark.parametrize("kind", BLOCKS_IN_STANDARD_FORM)
def test_content_blocks_are_standard(kind: str) -> None:
    """Whoever reads `content_blocks` need not know Converse."""
    assert read(BLOCKS[kind][0]).content_blocks == [BLOCKS_IN_STANDARD_FORM[kind]]
