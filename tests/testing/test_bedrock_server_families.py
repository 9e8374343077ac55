"""The Bedrock test server's InvokeModel: each family of models in its own body and stream format."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spanloom.testing.bedrock_server import BedrockServer

Doc = dict[str, Any]
TALK = [{"role": "user", "content": "what color is the sky?"}]
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": TALK}
NOVA = {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": TALK[0]["content"]}]}]}
ASKED = TALK[0]["content"]
SAID = "You asked about: color, sky."


def _claude_text(doc: Doc) -> str:
    return str(doc.get("delta", {}).get("text", ""))


def _nova_text(doc: Doc) -> str:
    return str(doc.get("contentBlockDelta", {}).get("delta", {}).get("text", ""))


def _choice(part: str, key: str) -> Callable[[Doc], str]:
    return lambda doc: str(doc["choices"][0].get(part, {}).get(key) or "")


def _text_choice(doc: Doc) -> str:
    return str(doc["choices"][0]["text"])


FAMILIES: list[Any] = [
    pytest.param(
        "us.anthropic.claude-3-haiku-v1:0", CLAUDE, lambda d: d["content"][0]["text"], _claude_text, id="claude"
    ),
    pytest.param(
        "anthropic.claude-v2",
        {"prompt": f"\n\nHuman: {ASKED}\n\nAssistant:", "max_tokens_to_sample": 50},
        lambda d: d["completion"],
        lambda d: d["completion"],
        id="claude-2",
    ),
    pytest.param(
        "amazon.titan-text-express-v1",
        {"inputText": f"\n\nUser: {ASKED}\n\nBot:", "textGenerationConfig": {"maxTokenCount": 50}},
        lambda d: d["results"][0]["outputText"],
        lambda d: d["outputText"],
        id="titan",
    ),
    pytest.param(
        "eu.amazon.nova-lite-v1:0", NOVA, lambda d: d["output"]["message"]["content"][0]["text"], _nova_text, id="nova"
    ),
    pytest.param(
        "cohere.command-text-v14",
        {"prompt": ASKED, "stream": True},
        lambda d: d["generations"][0]["text"],
        lambda d: d["text"],
        id="cohere",
    ),
    pytest.param(
        "cohere.command-r-v1:0", {"message": ASKED}, lambda d: d["text"], lambda d: d.get("text", ""), id="command-r"
    ),
    pytest.param(
        "ai21.jamba-1-5-mini-v1:0",
        {"messages": TALK},
        lambda d: d["choices"][0]["message"]["content"],
        _choice("delta", "content"),
        id="jamba",
    ),
    pytest.param(
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": f"<s>[INST] {ASKED} [/INST]"},
        lambda d: d["outputs"][0]["text"],
        lambda d: d["outputs"][0]["text"],
        id="mistral",
    ),
    pytest.param(
        "mistral.mistral-large-2407-v1:0",
        {"messages": TALK},
        lambda d: d["choices"][0]["message"]["content"],
        _choice("message", "content"),
        id="mistral-chat",
    ),
    pytest.param(
        "us.meta.llama3-1-8b-instruct-v1:0",
        {
            "prompt": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{ASKED}<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        },
        lambda d: d["generation"],
        lambda d: d["generation"],
        id="llama",
    ),
    pytest.param(
        "us.deepseek.r1-v1:0",
        {"prompt": f"<\uff5cbegin\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>{ASKED}<\uff5cAssistant\uff5c>"},
        _text_choice,
        _text_choice,
        id="deepseek",
    ),
    pytest.param("us.writer.palmyra-x5-v1:0", {"prompt": ASKED}, _text_choice, _text_choice, id="writer"),
    pytest.param(
        "openai.gpt-oss-20b-1:0",
        {"messages": TALK},
        lambda d: d["choices"][0]["message"]["content"],
        _choice("delta", "content"),
        id="openai",
    ),
    pytest.param(
        "qwen.qwen3-32b-v1:0",
        {"messages": TALK},
        lambda d: d["choices"][0]["message"]["content"],
        _choice("delta", "content"),
        id="qwen",
    ),
]


def stream_of(runtime: Any, model: str, body: Any) -> list[Any]:
    response = runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    return [json.loads(event["chunk"]["bytes"]) for event in response["body"]]


@pytest.mark.parametrize(("model", "body", "text_of", "piece_of"), FAMILIES)
def test_each_family_streams_what_it_answers_whole(
    runtime: Any, model: str, body: Doc, text_of: Callable[[Doc], str], piece_of: Callable[[Doc], str]
) -> None:
    """Template marks are no part of the question; headers and the last document bear the counts."""
    response = runtime.invoke_model(modelId=model, body=json.dumps(body))
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert text_of(json.loads(response["body"].read())) == SAID
    assert (headers["x-amzn-bedrock-input-token-count"], headers["x-amzn-bedrock-output-token-count"]) == ("5", "5")
    documents = stream_of(runtime, model, body)
    if documents[-1] == "[DONE]":
        documents.pop()
    assert "".join(piece_of(document) for document in documents) == SAID
    metrics = documents[-1]["amazon-bedrock-invocationMetrics"]
    assert (metrics["inputTokenCount"], metrics["outputTokenCount"]) == (5, 5)
    assert not any("amazon-bedrock-invocationMetrics" in document for document in documents[:-1])
    assert len(documents) >= 5


def test_the_old_ai21_models_answer_but_do_not_stream(runtime: Any) -> None:
    """Their reason is nested; streaming is refused."""
    response = runtime.invoke_model(modelId="ai21.j2-mid-v1", body=json.dumps({"prompt": ASKED}))
    completion = json.loads(response["body"].read())["completions"][0]
    assert completion == {"data": {"text": SAID, "tokens": []}, "finishReason": {"reason": "endoftext"}}
    with pytest.raises(ClientError, match="unsupported for streaming"):
        stream_of(runtime, "ai21.j2-mid-v1", {"prompt": ASKED})


@pytest.mark.parametrize(
    ("model", "body", "complaint"),
    [
        (
            "meta.llama3-8b-instruct-v1:0",
            {"prompt": "x", "stop_sequences": ["a"]},
            r"extraneous key \[stop_sequences\]",
        ),
        ("anthropic.claude-3-haiku-v1:0", {"anthropic_version": "x", "messages": TALK}, r"required key \[max_tokens\]"),
        ("amazon.titan-text-express-v1", {"prompt": "x"}, r"required key \[inputText\]"),
        (
            "mistral.mistral-7b-instruct-v0:2",
            {"prompt": "x", "stop_sequences": []},
            r"extraneous key \[stop_sequences\]",
        ),
        ("qwen.qwen3-32b-v1:0", {"messages": [{}]}, "KeyError"),
    ],
)
def test_a_body_of_another_format_is_refused(runtime: Any, model: str, body: Doc, complaint: str) -> None:
    """As a ValidationException, before a stream begins too."""
    for operation in (runtime.invoke_model, runtime.invoke_model_with_response_stream):
        with pytest.raises(runtime.exceptions.ValidationException, match=complaint):
            operation(modelId=model, body=json.dumps(body))


def test_tools_are_called_in_each_familys_form(runtime: Any) -> None:
    """Claude's blocks and OpenAI's tool calls, whole and in pieces."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    talk = [{"role": "user", "content": 'call weather {"city": "Reykjavik"}'}]
    claude = {**CLAUDE, "messages": talk, "tools": [{"name": "weather", "input_schema": schema}]}
    answer = json.loads(runtime.invoke_model(modelId="anthropic.claude-3", body=json.dumps(claude))["body"].read())
    assert answer["stop_reason"] == "tool_use"
    assert answer["content"][0]["input"] == {"city": "Reykjavik"}
    deltas = [
        d["delta"]["partial_json"]
        for d in stream_of(runtime, "anthropic.claude-3", claude)
        if "partial_json" in d.get("delta", {})
    ]
    assert len(deltas) > 2
    assert json.loads("".join(deltas)) == {"city": "Reykjavik"}
    chat = {"messages": talk, "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}]}
    chunks = stream_of(runtime, "openai.gpt-oss-20b-1:0", chat)
    calls = [c["choices"][0]["delta"]["tool_calls"][0] for c in chunks if "tool_calls" in c["choices"][0]["delta"]]
    assert calls[0]["function"]["name"] == "weather"
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "Reykjavik"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_an_imported_model_is_told_by_its_body(bedrock: BedrockServer, runtime: Any) -> None:
    """Its ARN says nothing of its family."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefgh"
    for body, key in (
        (CLAUDE, "content"),
        ({"inputText": "x"}, "results"),
        ({"prompt": "x", "max_gen_len": 9}, "generation"),
    ):
        assert key in json.loads(runtime.invoke_model(modelId=arn, body=json.dumps(body))["body"].read())
    assert [seen.ids for seen in bedrock.requests()] == [[arn]] * 3
    assert {seen.signature for seen in bedrock.requests()} == {"valid"}


def test_latency_and_tier_are_echoed(runtime: Any) -> None:
    """As headers of the answer."""
    answer = runtime.invoke_model(
        modelId="anthropic.claude-3", body=json.dumps(CLAUDE), performanceConfigLatency="optimized", serviceTier="flex"
    )
    assert (answer["performanceConfigLatency"], answer["serviceTier"]) == ("optimized", "flex")
