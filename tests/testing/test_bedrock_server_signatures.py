"""The Bedrock test server's check of signatures, against requests that the AWS libraries signed."""

import datetime
import json
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from spanloom.testing.bedrock_server import BedrockServer

SKY: list[Any] = [{"role": "user", "content": [{"text": "what color is the sky?"}]}]
BODY = json.dumps({"messages": SKY}).encode()


def signed(bedrock: BedrockServer, path: str = "/model/any%3A0/converse", **changes: Any) -> httpx.Request:
    """Return a request signed by botocore, then changed."""
    known = bedrock.credentials
    key = Credentials(
        changes.pop("access_key", known["aws_access_key_id"]),
        changes.pop("secret", known["aws_secret_access_key"]),
        changes.pop("session_token", None),
    )
    request = AWSRequest(
        "POST", bedrock.url + path, data=BODY, headers={"Content-Type": "application/json", **changes.pop("extra", {})}
    )
    service, region = changes.pop("service", "bedrock"), changes.pop("region", "us-east-1")
    SigV4Auth(key, service, region).add_auth(request)
    headers = {**dict(request.headers.items()), **changes.pop("headers", {})}
    return httpx.Request(
        "POST", bedrock.url + changes.pop("sent_to", path), headers=headers, content=changes.pop("body", BODY)
    )


def send(request: httpx.Request) -> httpx.Response:
    with httpx.Client() as client:
        return client.send(request)


@pytest.mark.parametrize(
    "model",
    [
        "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
        "odd name+~(x)",
    ],
)
def test_what_the_real_client_signs_is_valid(bedrock: BedrockServer, runtime: Any, model: str) -> None:
    """Ids with colons, slashes and other characters; the path is encoded twice."""
    runtime.converse(modelId=model, messages=SKY)
    seen = bedrock.requests()[0]
    assert (seen.signature, seen.ids) == ("valid", [model])


def test_a_query_and_a_get_are_signed_too(bedrock: BedrockServer, client_of: Any) -> None:
    """Parameters are sorted and encoded."""
    client_of("bedrock").list_inference_profiles(nextToken="a b/c=", maxResults=7, typeEquals="APPLICATION")
    assert bedrock.requests()[0].signature == "valid"


def test_a_request_signed_by_hand_is_valid(bedrock: BedrockServer) -> None:
    """As an asynchronous client sends it."""
    assert send(signed(bedrock, extra={"X-Amz-Meta": "two   spaces"})).status_code == 200
    assert bedrock.requests()[0].signature == "valid"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"body": BODY + b" "}, "signature"),
        ({"sent_to": "/model/other%3A0/converse"}, "signature"),
        ({"headers": {"Content-Type": "text/plain"}}, "signature"),
        ({"secret": "wrong"}, "signature"),
        ({"headers": {"X-Amz-Later": "1"}}, "'x-amz-later' must be a signed header"),
        ({"headers": {"X-Amz-Content-SHA256": "0" * 64}}, "'x-amz-content-sha256' must be a signed header"),
        ({"service": "s3"}, "expected service 'bedrock'"),
    ],
)
def test_a_tampered_request_is_refused(bedrock: BedrockServer, change: dict[str, Any], why: str) -> None:
    """With the error that AWS answers; the order for the operation is kept for an honest request."""
    bedrock.answer("converse", {"kept": True})
    answer = send(signed(bedrock, **change))
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"].startswith("InvalidSignatureException:")
    seen = bedrock.requests()[0]
    assert seen.signature.startswith("invalid: ")
    assert why in seen.signature
    assert send(signed(bedrock)).json() == {"kept": True}


def test_an_old_signature_is_refused(bedrock: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After fifteen minutes."""
    import botocore.auth

    then = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(minutes=16)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
    answer = send(signed(bedrock))
    assert answer.status_code == 403
    assert "Signature expired" in answer.json()["message"]


def test_unknown_missing_and_expired_keys_have_their_own_errors(bedrock: BedrockServer, client_of: Any) -> None:
    """As the real client reports them."""
    for credentials, code in (
        ({"aws_access_key_id": "AKIDNOBODY"}, "UnrecognizedClientException"),
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_session_token": "surplus"}, "UnrecognizedClientException"),
    ):
        with pytest.raises(ClientError) as raised:
            client_of(**credentials).converse(modelId="any", messages=SKY)
        assert raised.value.response["Error"]["Code"] == code
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    bedrock.accept(expired=True)
    with pytest.raises(ClientError, match="token included in the request is expired") as raised:
        client_of().converse(modelId="any", messages=SKY)
    assert raised.value.response["Error"]["Code"] == "ExpiredTokenException"
    bedrock.reset()
    assert client_of().converse(modelId="any", messages=SKY)["stopReason"] == "end_turn"
    nothing = httpx.post(f"{bedrock.url}/model/any/converse", content=BODY)
    assert nothing.headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException:")
    assert [seen.signature for seen in bedrock.requests()] == ["valid", "none"]


def test_a_session_token_must_come_along(bedrock: BedrockServer, client_of: Any) -> None:
    """Once the server expects one."""
    bedrock.accept(aws_session_token="token/1+2==")
    client_of(aws_session_token="token/1+2==").converse(modelId="any", messages=SKY)
    with pytest.raises(ClientError) as raised:
        client_of().converse(modelId="any", messages=SKY)
    assert raised.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert [seen.signature for seen in bedrock.requests()] == ["valid", "invalid: wrong session token"]


def test_api_keys_are_accepted_when_known(bedrock: BedrockServer) -> None:
    """As bearer tokens. The AWS client sends them over TLS only, which this server does not speak."""
    bedrock.accept(bearer="key-1")
    bedrock.accept(bearer="key-2", expired=True)
    url = f"{bedrock.url}/model/any/converse"
    answers = [httpx.post(url, content=BODY, headers={"Authorization": f"Bearer key-{n}"}) for n in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert answers[1].headers["x-amzn-errortype"].startswith("AccessDeniedException:")
    assert [seen.signature for seen in bedrock.requests()] == [
        "bearer",
        "invalid: expired API key",
        "invalid: unknown API key",
    ]


def test_a_lenient_server_answers_and_notes_what_was_wrong() -> None:
    """For clients that are not signed at all."""
    with BedrockServer(refuse_invalid_signatures=False) as server:
        assert httpx.post(f"{server.url}/model/any/converse", content=BODY).status_code == 200
        assert send(signed(server, secret="wrong")).status_code == 200
        assert [seen.signature for seen in server.requests()] == ["none", "invalid: signature"]
