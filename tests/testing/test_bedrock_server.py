"""The Bedrock test server: every operation through the real AWS client, its orders, and its life as a process."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from spanloom.testing.bedrock_server import BedrockServer, bedrock_server

Make = Callable[..., Any]

SKY: list[Any] = [{"role": "user", "content": [{"text": "what color is the sky?"}]}]
CLAUDE = "us.anthropic.claude-3-5-sonnet-20240620-v1:0"
WEATHER = {
    "toolSpec": {
        "name": "weather",
        "inputSchema": {
            "json": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
        },
    }
}


def test_converse_answers_from_the_context_that_fits_the_question(bedrock: BedrockServer, runtime: Any) -> None:
    """The sentence of the system prompt that shares most words with the question; tokens are words."""
    answer = runtime.converse(
        modelId=CLAUDE,
        system=[{"text": "Paris is the capital of France. Cheese is loved."}],
        messages=[{"role": "user", "content": [{"text": "What is the capital of France?"}]}],
    )
    assert answer["output"]["message"] == {
        "role": "assistant",
        "content": [{"text": "Paris is the capital of France."}],
    }
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {"inputTokens": 15, "outputTokens": 6, "totalTokens": 21}
    seen = bedrock.requests()[0]
    assert (seen.operation, seen.ids, seen.signature, seen.status) == ("converse", [CLAUDE], "valid", 200)
    assert seen.path == "/model/us.anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse"
    assert seen.json["system"] == [{"text": "Paris is the capital of France. Cheese is loved."}]


def test_converse_stream_sends_the_same_answer_in_the_documented_order(runtime: Any) -> None:
    """Start, text pieces, stop of the block, stop of the message, metadata."""
    events = list(runtime.converse_stream(modelId=CLAUDE, messages=SKY)["stream"])
    assert [next(iter(event)) for event in events] == [
        "messageStart",
        *["contentBlockDelta"] * 5,
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    said = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
    assert said == runtime.converse(modelId=CLAUDE, messages=SKY)["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"] == {"inputTokens": 5, "outputTokens": 5, "totalTokens": 10}


def test_a_limit_and_a_stop_sequence_end_the_answer(runtime: Any) -> None:
    """The stop reason says which of them did."""
    short = runtime.converse(modelId=CLAUDE, messages=SKY, inferenceConfig={"maxTokens": 2})
    assert (short["stopReason"], short["output"]["message"]["content"]) == ("max_tokens", [{"text": "You asked"}])
    stopped = runtime.converse(
        modelId=CLAUDE,
        messages=SKY,
        inferenceConfig={"stopSequences": [" about"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    assert (stopped["stopReason"], stopped["output"]["message"]["content"]) == (
        "stop_sequence",
        [{"text": "You asked"}],
    )
    assert stopped["additionalModelResponseFields"] == {"stop_sequence": " about"}


def test_naming_a_tool_calls_it_with_the_arguments_that_follow(runtime: Any) -> None:
    """Several at once, too; a forced tool gets arguments that its schema allows."""
    text = 'call weather {"city": "Oslo"} and then call weather'
    answer = runtime.converse(
        modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": text}]}], toolConfig={"tools": [WEATHER]}
    )
    uses = [block["toolUse"] for block in answer["output"]["message"]["content"]]
    assert answer["stopReason"] == "tool_use"
    assert [use["input"] for use in uses] == [{"city": "Oslo"}, {"city": text, "days": 1}]
    assert uses[0]["toolUseId"] != uses[1]["toolUseId"]
    forced = runtime.converse(
        modelId=CLAUDE, messages=SKY, toolConfig={"tools": [WEATHER], "toolChoice": {"tool": {"name": "weather"}}}
    )
    assert forced["output"]["message"]["content"][0]["toolUse"]["input"]["days"] == 1


def test_a_tool_result_is_answered_with_what_the_tool_said(runtime: Any) -> None:
    """And tool blocks without a tool configuration are refused, as Bedrock does."""
    use = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
    talk = [*SKY, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    answer = runtime.converse(modelId=CLAUDE, messages=talk, toolConfig={"tools": [WEATHER]})
    assert answer["output"]["message"]["content"] == [{"text": "The tools said: sunny"}]
    with pytest.raises(ClientError, match="toolConfig field must be defined") as refused:
        runtime.converse(modelId=CLAUDE, messages=talk)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_thinking_comes_before_the_answer(runtime: Any) -> None:
    """With a signature, whole and streamed."""
    asked = {"modelId": CLAUDE, "messages": SKY, "additionalModelRequestFields": {"thinking": {"type": "enabled"}}}
    thought, text = runtime.converse(**asked)["output"]["message"]["content"]
    assert thought["reasoningContent"]["reasoningText"]["signature"] == "c2lnbmF0dXJl"
    events = [e["contentBlockDelta"] for e in runtime.converse_stream(**asked)["stream"] if "contentBlockDelta" in e]
    assert "".join(e["delta"].get("text", "") for e in events if e["contentBlockIndex"] == 1) == text["text"]
    assert events[-6]["delta"] == {"reasoningContent": {"signature": "c2lnbmF0dXJl"}}


def test_tokens_are_counted_for_both_forms_of_a_request(runtime: Any) -> None:
    """CountTokens takes a Converse request or an InvokeModel body, and counts tools."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "a b"}],
    }
    plain = runtime.count_tokens(modelId=CLAUDE, input={"converse": {"messages": SKY}})["inputTokens"]
    assert plain == 5
    assert runtime.count_tokens(modelId=CLAUDE, input={"invokeModel": {"body": json.dumps(body)}})["inputTokens"] == 2
    tools = runtime.count_tokens(
        modelId=CLAUDE, input={"converse": {"messages": SKY, "toolConfig": {"tools": [WEATHER]}}}
    )
    assert tools["inputTokens"] > plain


def test_passages_are_retrieved_best_first(client_of: Make) -> None:
    """As many as asked for."""
    found = client_of("bedrock-agent-runtime").retrieve(
        knowledgeBaseId="KB12345678",
        retrievalQuery={"text": "who loves cheese"},
        retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 2}},
    )["retrievalResults"]
    assert [result["content"]["text"] for result in found][0] == "Cheese is loved in France."
    assert len(found) == 2
    assert found[0]["location"] == {"type": "S3", "s3Location": {"uri": "s3://library/food.md"}}
    assert found[0]["score"] > found[1]["score"]


def test_the_control_plane_knows_profiles_and_models(bedrock: BedrockServer, client_of: Make) -> None:
    """An application's profile, named by an ARN with a slash, leads to its model."""
    control = client_of("bedrock")
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
    profile = control.get_inference_profile(inferenceProfileIdentifier=arn)
    assert (profile["type"], profile["inferenceProfileArn"]) == ("APPLICATION", arn)
    model_arn = profile["models"][0]["modelArn"]
    model_id = model_arn.rpartition("/")[2]
    assert control.get_foundation_model(modelIdentifier=model_arn)["modelDetails"]["modelId"] == model_id
    assert model_id in [model["modelId"] for model in control.list_foundation_models()["modelSummaries"]]
    assert control.get_inference_profile(inferenceProfileIdentifier=CLAUDE)["type"] == "SYSTEM_DEFINED"
    assert control.list_inference_profiles(maxResults=5)["inferenceProfileSummaries"]
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_foundation_model(modelIdentifier="nobody.model")
    assert {seen.signature for seen in bedrock.requests()} == {"valid"}


def test_scripted_answers_are_sent_as_they_are(bedrock: BedrockServer, runtime: Any) -> None:
    """In order, as often as told, with their headers; bytes reach the client as bytes."""
    redacted = {"reasoningContent": {"redactedContent": b"\x00\xff"}}
    answer = {"output": {"message": {"role": "assistant", "content": [redacted]}}, "stopReason": "end_turn"}
    bedrock.answer("converse", answer, headers={"x-extra": "yes"}, times=2)
    first = runtime.converse(modelId="any", messages=SKY)
    assert first["output"]["message"]["content"] == [redacted]
    assert first["ResponseMetadata"]["HTTPHeaders"]["x-extra"] == "yes"
    assert runtime.converse(modelId="any", messages=SKY)["output"] == first["output"]
    assert runtime.converse(modelId="any", messages=SKY)["output"] != first["output"]


def test_a_scripted_text_takes_the_form_of_the_operation(bedrock: BedrockServer, runtime: Any) -> None:
    """Also for all requests until reset, while orders for single requests come first."""
    bedrock.script("converse", {"text": "for ever"}, times=None)
    bedrock.script("converse", {"blocks": [{"text": "once"}]})
    said = [runtime.converse(modelId="any", messages=SKY)["output"]["message"]["content"] for _ in range(3)]
    assert said == [[{"text": "once"}], [{"text": "for ever"}], [{"text": "for ever"}]]
    bedrock.script("invoke_model", {"text": "titanic"})
    body = runtime.invoke_model(modelId="amazon.titan-text-express-v1", body=json.dumps({"inputText": "x"}))[
        "body"
    ].read()
    assert json.loads(body)["results"][0]["outputText"] == "titanic"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ResourceNotFoundException", 404),
        ("ValidationException", 400),
        ("ServiceQuotaExceededException", 400),
        ("ThrottlingException", 429),
        ("ModelNotReadyException", 429),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
    ],
)
def test_an_ordered_error_is_the_modelled_exception(
    bedrock: BedrockServer, runtime: Any, code: str, status: int
) -> None:
    """With its usual status, its text and the request's id."""
    bedrock.fail("invoke_model", code=code, message="by order")
    with pytest.raises(getattr(runtime.exceptions, code)) as raised:
        runtime.invoke_model(modelId="any", body="{}")
    response = raised.value.response
    assert response["Error"] == {"Code": code, "Message": "by order"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"].startswith("00000001-")


def test_an_error_may_carry_details_and_a_time_to_wait(bedrock: BedrockServer, runtime: Any) -> None:
    """Members of the error's shape, and the header Retry-After."""
    details = {"originalStatusCode": 418, "resourceName": "teapot"}
    bedrock.fail("converse", code="ModelErrorException", details=details, retry_after_s=3)
    with pytest.raises(ClientError) as raised:
        runtime.converse(modelId="any", messages=SKY)
    assert raised.value.response["originalStatusCode"] == 418
    assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"


def test_the_real_client_retries_throttling_and_is_then_answered(bedrock: BedrockServer, client_of: Make) -> None:
    """One error, then the built-in answer."""
    bedrock.fail("converse")
    patient = client_of(config=Config(retries={"total_max_attempts": 2}))
    assert patient.converse(modelId="any", messages=SKY)["ResponseMetadata"]["RetryAttempts"] == 1
    assert [seen.status for seen in bedrock.requests()] == [429, 200]


def test_a_connection_may_break_before_or_in_the_answer(bedrock: BedrockServer, client_of: Make) -> None:
    """Closed, reset, silent, or cut in the middle of the body."""
    hasty = client_of(config=Config(read_timeout=0.2))
    for how, error in (("close", ConnectionClosedError), ("reset", ConnectionClosedError), ("idle", ReadTimeoutError)):
        bedrock.script("converse", {"connection": how})
        with pytest.raises(error):
            hasty.converse(modelId="any", messages=SKY)
    assert [seen.outcome for seen in bedrock.requests()] == ["faulted", "faulted", "client left"]


def test_a_body_may_be_cut_in_half(bedrock: BedrockServer, runtime: Any) -> None:
    """An HTTP client notices; the AWS client returns an answer without its members instead of an error."""
    bedrock.accept(bearer="key")
    bedrock.script("converse", {"connection": "cut"}, times=2)
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete|without sending complete"):
        httpx.post(f"{bedrock.url}/model/any/converse", json={"messages": SKY}, headers={"Authorization": "Bearer key"})
    assert "output" not in runtime.converse(modelId="any", messages=SKY)
    assert [seen.outcome for seen in bedrock.requests()] == ["faulted", "faulted"]


def test_a_late_head_lets_the_client_time_out(bedrock: BedrockServer, client_of: Make) -> None:
    """The server notices that the client left before it had begun to answer."""
    bedrock.stream("converse_stream", head_s=3600)
    with pytest.raises(ReadTimeoutError):
        client_of(config=Config(read_timeout=0.2)).converse_stream(modelId="any", messages=SKY)
    seen = bedrock.requests()[0]
    assert (seen.outcome, seen.client_left_after, seen.status) == ("client left", 0, None)


def test_connections_are_numbered_and_counted() -> None:
    """Requests on one kept-alive connection bear its number; what tests ask is not counted."""
    with (
        BedrockServer() as server,
        httpx.Client(base_url=server.url) as first,
        httpx.Client(base_url=server.url) as second,
    ):
        for client in (first, first, second):
            client.post("/model/any/converse")
        one, same, other = (seen.connection for seen in server.requests())
        assert one == same != other
        assert server.connections() == 2
        second.close()
        assert server.connections(expected=1) == 1


@pytest.mark.parametrize(
    ("operation", "behaviour", "complaint"),
    [
        ("chat", {}, "unknown operation 'chat'"),
        ("converse", {"txet": "?"}, "unknown behaviour 'txet'"),
        ("converse", {"status": "500"}, "status must be an HTTP status, not '500'"),
        ("converse", {"events": []}, "answers with JSON, not with events"),
        ("converse_stream", {"events": ["messageStart"]}, "events must be a list of pairs"),
        ("converse_stream", {"events": [["!sleep", 1]]}, "unknown order '!sleep'"),
        ("converse_stream", {"fault": "explode"}, "unknown order '!explode'"),
        ("converse", {"connection": "lost"}, "connection must be one of close, reset, idle, cut"),
    ],
)
def test_a_wrong_order_is_refused_at_once(
    bedrock: BedrockServer, operation: str, behaviour: dict[str, Any], complaint: str
) -> None:
    """With what was given and what is known."""
    with pytest.raises(ValueError, match=complaint):
        bedrock.script(operation, behaviour)


def test_malformed_requests_are_answered_and_not_crashed_on(bedrock: BedrockServer, runtime: Any) -> None:
    """A missing body, a conversation that the assistant opens, an unknown path."""
    with pytest.raises(ClientError, match="must start with a user message"):
        runtime.converse(modelId="any", messages=[{"role": "assistant", "content": [{"text": "hi"}]}])
    with pytest.raises(ClientError, match="model identifier is invalid"):
        runtime.invoke_model(modelId="nobody.model", body="{}")
    with httpx.Client(base_url=bedrock.url) as client:
        assert client.get("/model/x/dance").status_code == 404
        assert client.post("/__script", content=b"[]").status_code == 400


def test_the_environment_points_any_client_at_the_server(
    bedrock: BedrockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any argument, for all services."""
    for name, value in bedrock.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    for service in ("bedrock", "bedrock-runtime", "bedrock-agent-runtime"):
        client = session.client(service)
        assert client.meta.endpoint_url == bedrock.url
        client.close()
    runtime = session.client("bedrock-runtime")
    assert runtime.converse(modelId="any", messages=SKY)["stopReason"] == "end_turn"
    runtime.close()


def test_a_server_is_ended_by_closing_it() -> None:
    """Its process is gone, its port free, and a second close does nothing."""
    with bedrock_server() as server:
        port = int(server.url.rpartition(":")[2])
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")
    with bedrock_server(port=port) as again, pytest.raises(RuntimeError, match="did not start"):
        bedrock_server(port=int(again.url.rpartition(":")[2]))


def test_run_by_hand_it_prints_where_it_is_and_with_what_credentials() -> None:
    """The first line is JSON; SIGTERM ends it with exit code 0."""
    command = [sys.executable, "-m", "spanloom.testing.bedrock_server", "--port", "0", "--gap-s", "0.001"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.terminate()
    assert told["url"].startswith("http://127.0.0.1:")
    assert sorted(told["credentials"]) == ["aws_access_key_id", "aws_secret_access_key", "region_name"]
    assert process.returncode == 0


def test_bytes_in_a_scripted_answer_must_be_bytes(bedrock: BedrockServer) -> None:
    """What JSON cannot hold is refused before it is sent; bytes travel in base64."""
    with pytest.raises(TypeError, match="cannot be sent to a test server"):
        bedrock.answer("converse", {"when": object()})
    bedrock.answer("converse", {"blob": b"ab"})
    bedrock.accept(bearer="k")
    url = f"{bedrock.url}/model/any/converse"
    answer = httpx.post(url, json={"messages": SKY}, headers={"Authorization": "Bearer k"})
    assert answer.json() == {"blob": base64.b64encode(b"ab").decode()}
