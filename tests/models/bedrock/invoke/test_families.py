"""Every family: what its models are sent, what they answer, and how their streams are read."""

import copy
from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage, HumanMessage, SystemMessage
from spanloom.runtime.models.bedrock.errors import BedrockError, TruncatedStreamError
from spanloom.runtime.models.bedrock.invoke import Ask, Piece, family_of

from .bodies import BODIES, HEADERS, METRICS, TEXT, TOKENS

STREAMING = [model for model, (_, stream, _) in BODIES.items() if stream]

SENT: dict[str, dict[str, Any]] = {
    "anthropic.claude-v2": {
        "prompt": "\n\nHuman: Hi\n\nAssistant:",
        "max_tokens_to_sample": 9,
        "temperature": 0,
        "stop_sequences": ["."],
    },
    "anthropic.claude-3-haiku-20240307-v1:0": {
        "anthropic_version": "bedrock-2023-05-31",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "temperature": 0,
        "stop_sequences": ["."],
    },
    "amazon.titan-text-express-v1": {
        "inputText": "Hi",
        "textGenerationConfig": {"maxTokenCount": 9, "temperature": 0, "stopSequences": ["."]},
    },
    "amazon.nova-lite-v1:0": {
        "schemaVersion": "messages-v1",
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0, "stopSequences": ["."]},
    },
    "cohere.command-text-v14": {"prompt": "Hi", "max_tokens": 9, "temperature": 0, "stop_sequences": ["."]},
    "cohere.command-r-v1:0": {"message": "Hi", "max_tokens": 9, "temperature": 0, "stop_sequences": ["."]},
    "ai21.j2-mid-v1": {"prompt": "Hi", "maxTokens": 9, "temperature": 0, "stopSequences": ["."]},
    "mistral.mistral-7b-instruct-v0:2": {"prompt": "Hi", "max_tokens": 9, "temperature": 0, "stop": ["."]},
    "meta.llama3-8b-instruct-v1:0": {"prompt": "Hi", "max_gen_len": 9, "temperature": 0},
    "deepseek.r1-v1:0": {"prompt": "Hi", "max_tokens": 9, "temperature": 0, "stop": ["."]},
    "newcomer.model-1": {"inputText": "Hi", "max_tokens": 9, "temperature": 0},
    "openai.gpt-oss-20b-1:0": {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 9,
        "temperature": 0,
        "stop": ["."],
    },
}
for _like in (
    "ai21.jamba-1-5-mini-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "writer.palmyra-x5-v1:0",
    "qwen.qwen3-32b-v1:0",
):
    SENT[_like] = {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "temperature": 0,
        "stop": ["."],
    }


def read(model_id: str, documents: list[Any], **kwargs: Any) -> list[Piece]:
    decoder = family_of(model_id).decoder(**kwargs)
    pieces = [piece for document in documents for piece in decoder.feed(document)]
    return [*pieces, *decoder.finish()]


@pytest.mark.parametrize("model_id", BODIES)
@pytest.mark.row("B1.12")
@pytest.mark.row("B1.22")
@pytest.mark.row("X.12")
def test_a_prompt_and_its_limits_go_under_the_familys_own_keys(model_id: str) -> None:
    """A temperature of 0 is sent, and stop strings go under the key that the provider takes, or nowhere."""
    ask = Ask(model_id=model_id, prompt="Hi", max_tokens=9, temperature=0, stop=["."])
    family = family_of(model_id)
    assert family.build(ask) == SENT[model_id]
    assert family.is_cut_locally(ask) is (model_id in ("meta.llama3-8b-instruct-v1:0", "newcomer.model-1"))


@pytest.mark.parametrize("model_id", BODIES)
@pytest.mark.row("B1.18")
def test_a_key_for_stop_strings_that_the_user_names_is_used(model_id: str) -> None:
    """It stands where the family's own would."""
    ask = Ask(model_id=model_id, prompt="Hi", stop=["."], stop_key="halt")
    body = family_of(model_id).build(ask)
    places = [body, body.get("textGenerationConfig", {}), body.get("inferenceConfig", {})]
    assert [place["halt"] for place in places if "halt" in place] == [["."]]
    assert not family_of(model_id).is_cut_locally(ask)


@pytest.mark.parametrize("model_id", BODIES)
@pytest.mark.row("X.11")
def test_building_a_request_changes_nothing_that_was_given(model_id: str) -> None:
    """Extras and messages are as they were, and extras have the last word."""
    extra = {"top_p": 0.5, "nested": {"a": [1]}}
    messages = [SystemMessage("Be brief."), HumanMessage("Hi"), AIMessage("Yo "), HumanMessage("Well?")]
    before = copy.deepcopy((extra, messages))
    body = family_of(model_id, for_messages=True).build(Ask(model_id=model_id, messages=messages, extra=extra))
    assert (extra, messages) == before
    assert "0.5" in str(body)
    assert "Be brief." in str(body)
    assert "Well?" in str(body)


@pytest.mark.parametrize("model_id", BODIES)
@pytest.mark.row("B1.17")
def test_a_whole_answer_tells_text_reason_and_usage(model_id: str) -> None:
    """The usage comes from the body or from the headers, the time from the headers."""
    body, _, reason = BODIES[model_id]
    answer = family_of(model_id).parse(body, HEADERS)
    assert (answer.text, answer.content, answer.stop_reason) == (TEXT, TEXT, reason)
    assert answer.usage == {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
    assert answer.latency_ms == 77


@pytest.mark.parametrize("model_id", STREAMING)
@pytest.mark.row("B1.17")
@pytest.mark.row("X.09")
@pytest.mark.row("X.20")
def test_the_last_piece_of_a_stream_tells_of_the_whole(model_id: str) -> None:
    """Tokens come as they are sent; the last piece has the reason, all counts, the cache's too, and the times."""
    _, stream, reason = BODIES[model_id]
    *pieces, last = read(model_id, stream)
    assert [piece.text for piece in pieces] == TOKENS
    assert not any(piece.is_last or piece.stop_reason or piece.usage for piece in pieces)
    assert (last.is_last, last.text, last.stop_reason) == (True, "", reason)
    assert last.usage == {
        "input_tokens": 6,
        "output_tokens": 5,
        "total_tokens": 11,
        "input_token_details": {"cache_read": 2, "cache_creation": 1},
    }
    assert (last.latency_ms, last.first_byte_ms) == (120, 40)


@pytest.mark.parametrize("model_id", STREAMING)
@pytest.mark.row("X.04")
def test_a_stream_that_ends_before_its_answer_says_so(model_id: str) -> None:
    """What came was given before."""
    _, stream, _ = BODIES[model_id]
    decoder = family_of(model_id).decoder()
    cut = next(
        place for place, doc in enumerate(stream) if METRICS.keys() & (doc.keys() if isinstance(doc, dict) else set())
    )
    documents = [
        doc
        for doc in stream[:cut]
        if not (isinstance(doc, dict) and doc.get("type") == "message_delta") and "messageStop" not in doc
    ]
    assert [piece.text for doc in documents for piece in decoder.feed(doc)] == TOKENS
    with pytest.raises(TruncatedStreamError, match="incomplete"):
        decoder.finish()


@pytest.mark.parametrize("model_id", BODIES)
@pytest.mark.row("X.07")
def test_what_is_not_known_is_passed_over(model_id: str) -> None:
    """Unknown documents, members of odd types and empty objects give nothing and break nothing."""
    odd: list[Any] = [
        {},
        {"type": "brand_new", "delta": 3, "index": "x", "content_block": []},
        {"choices": "no", "outputs": [], "generations": [None], "results": {}, "completions": [[]]},
        {"choices": [{"delta": {"content": None, "tool_calls": [3, {"function": 4}]}, "message": None}]},
        {"usage": {"input_tokens": "many", "prompt_tokens": None}, "id": 3, "model": {}},
        {"contentBlockDelta": {"delta": {"somethingNew": {}}}, "metadata": None, "messageStop": 1},
        {"event_type": "novel", "citations": 3},
        {"type": "content_block_delta", "delta": {"type": "novel_delta"}},
        None,
        "[something]",
        3,
    ]
    family = family_of(model_id)
    decoder = family.decoder()
    assert not any(piece.text for document in odd for piece in decoder.feed(document))
    for document in odd:
        if isinstance(document, dict):
            assert family.parse(document).text == ""
    with pytest.raises(BedrockError, match="where .* models send an object"):
        family.parse(["nonsense"])


@pytest.mark.parametrize(
    "model_id", ["ai21.j2-mid-v1", "amazon.titan-text-express-v1", "mistral.mistral-large-2407-v1:0"]
)
@pytest.mark.row("B1.17")
def test_a_key_for_the_reason_that_the_user_names_goes_first(model_id: str) -> None:
    """At the top of the answer or in its first choice; AI21's is an object."""
    body = {**BODIES[model_id][0], "why": {"reason": "tired"}}
    assert family_of(model_id).parse(body, reason_key="why").stop_reason == "tired"
    body = {"results": [{"why": "bored"}], "completions": [{"why": "bored"}], "choices": [{"why": "bored"}]}
    assert family_of(model_id).parse(body, reason_key="why").stop_reason == "bored"


def test_titan_and_nova_keep_extras_where_their_settings_are() -> None:
    """Settings of inference go beside the others, the body's own members to its top."""
    titan = family_of("amazon.titan-text-express-v1")
    body = titan.build(
        Ask(model_id="x", prompt="Hi", extra={"topP": 0.1, "textGenerationConfig": {"maxTokenCount": 3}})
    )
    assert body == {"inputText": "Hi", "textGenerationConfig": {"topP": 0.1, "maxTokenCount": 3}}
    nova = family_of("amazon.nova-lite-v1:0")
    body = nova.build(Ask(model_id="x", prompt="Hi", extra={"topK": 3, "system": [{"text": "S"}]}))
    assert (body["inferenceConfig"], body["system"]) == ({"topK": 3}, [{"text": "S"}])


@pytest.mark.row("B1.11")
def test_a_guardrails_configuration_stays_at_the_top_of_the_body() -> None:
    """Its tag suffix is a member of the body whatever the family."""
    extra = {"amazon-bedrock-guardrailConfig": {"tagSuffix": "xyz"}}
    for model_id in BODIES:
        body = family_of(model_id).build(Ask(model_id=model_id, prompt="Hi", extra=extra))
        assert body["amazon-bedrock-guardrailConfig"] == {"tagSuffix": "xyz"}


def test_command_is_asked_to_stream_in_the_body_too() -> None:
    """Cohere's older models want it there."""
    assert family_of("cohere.command-text-v14").build(Ask(model_id="x", prompt="Hi", is_stream=True))["stream"] is True


def test_a_limit_is_sent_to_claude_even_if_none_is_given() -> None:
    """The Messages API and the text completions require one."""
    assert family_of("anthropic.claude-3-haiku-v1").build(Ask(model_id="x", prompt="Hi"))["max_tokens"] == 1024
    assert family_of("anthropic.claude-v2").build(Ask(model_id="x", prompt="Hi"))["max_tokens_to_sample"] == 1024


def test_command_streams_its_generations_form_too() -> None:
    """A stream that was not asked for in the body has the whole answer in one document."""
    whole = {"generations": [{"text": TEXT, "finish_reason": "COMPLETE"}]}
    assert [piece.text for piece in read("cohere.command-text-v14", [whole])] == [TEXT, ""]


def test_command_r_gives_calls_ids_and_keeps_citations() -> None:
    """The model names no ids; citations come beside the text."""
    body = {"text": "", "tool_calls": [{"name": "add", "parameters": {"a": 1}}], "citations": [{"start": 0}]}
    answer = family_of("cohere.command-r-v1:0").parse(body)
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 1})
    assert call["id"]
    assert answer.more == {"citations": [{"start": 0}]}
    stream = [
        {"event_type": "citation-generation", "citations": [{"start": 0}]},
        {"event_type": "tool-calls-generation", "tool_calls": body["tool_calls"]},
        {"event_type": "stream-end", "finish_reason": "COMPLETE"},
    ]
    piece, last = read("cohere.command-r-v1:0", stream)
    assert (piece.tool_call_chunks[0]["name"], piece.tool_call_chunks[0]["args"]) == ("add", '{"a": 1}')
    assert last.more == {"citations": [{"start": 0}]}
