"""The connection's fields: where they come from, what is refused, what is never shown, what is shared."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from botocore.config import Config
from pydantic import ConfigDict, Field, SecretStr, ValidationError

from spanloom.runtime.documents import Document
from spanloom.runtime.language_models.llms import LLM
from spanloom.runtime.models.bedrock import errors
from spanloom.runtime.models.bedrock.clients import ServiceClient, service_clients
from spanloom.runtime.models.bedrock.connection import BedrockConnection
from spanloom.runtime.retrievers import BaseRetriever
from spanloom.testing.bedrock_server import BedrockServer

from .travelling import CONVERSE


class Model(LLM, BedrockConnection):
    """A model as simple as can be, over the connection."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    model_id: str = Field(default="m", alias="model")

    @property
    def _llm_type(self) -> str:
        return "test"

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        return str(self.transport.call(CONVERSE)["stopReason"])


class Retriever(BaseRetriever, BedrockConnection):
    """A retriever over the connection."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(page_content=str(self.transport.call(CONVERSE)["stopReason"]))]


def secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def keys(model: BedrockConnection) -> tuple[str | None, ...]:
    return (secret(model.aws_access_key_id), secret(model.aws_secret_access_key), secret(model.aws_session_token))


def at(server: BedrockServer, **fields: Any) -> Model:
    """A model that reaches the server."""
    return Model(**{**server.credentials, "endpoint_url": server.url, **fields})


@pytest.mark.row("B1.01")
@pytest.mark.row("B1.02")
@pytest.mark.row("B1.03")
@pytest.mark.row("C.05")
def test_keys_come_from_the_environment_when_the_object_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later change of the environment changes nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SKENV")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "TOKENV")
    model = Model()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    assert keys(model) == ("AKENV", "SKENV", "TOKENV")
    assert keys(Model(aws_access_key_id="AK", aws_secret_access_key="SK")) == ("AK", "SK", None)
    assert keys(Model(aws_access_key_id="OTHER", aws_secret_access_key="SK")) == ("OTHER", "SK", "TOKENV")
    assert keys(Model(credentials_profile_name="dev")) == (None, None, None)


@pytest.mark.row("B1.01")
@pytest.mark.row("B1.02")
@pytest.mark.row("B1.03")
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"aws_access_key_id": "AK"}, "aws_access_key_id is given without aws_secret_access_key"),
        ({"aws_secret_access_key": "SK"}, "aws_secret_access_key is given without aws_access_key_id"),
        ({"aws_session_token": "T"}, "a session token belongs to both"),
        ({"timeout": 0}, "give seconds above 0"),
        ({"timeout": (1, -2)}, "-2"),
        ({"first_token_timeout_s": 0}, "give seconds above 0"),
        ({"max_retries": -1}, "give 0 or more"),
        ({"config": {"read_timeout": 1}}, "botocore.config.Config"),
        ({"regionname": "x"}, "regionname"),
    ],
)
def test_what_cannot_work_is_refused_when_the_object_is_made(fields: dict[str, Any], told: str) -> None:
    """With what was given, and what to do."""
    with pytest.raises(ValidationError, match=told) as caught:
        Model(**fields)
    assert isinstance(caught.value, ValueError)


def test_half_a_pair_in_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fail later, and less clearly."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SKENV")
    with pytest.raises(ValueError, match="without aws_access_key_id"):
        Model()


@pytest.mark.row("B1.01")
@pytest.mark.row("X.15")
def test_secrets_are_never_shown() -> None:
    """Not in repr, str, dumps, copies of dumps or the settings' repr; dumps name the variable instead."""
    fields = {
        "aws_access_key_id": "SECRET-1",
        "aws_secret_access_key": "SECRET-2",
        "aws_session_token": "SECRET-3",
        "default_headers": {"X-Token": "SECRET-4"},
    }
    for model in (Model(**fields), Model(api_key="SECRET-5")):
        _ = model.transport
        shown = [repr(model), str(model), str(model.model_dump()), model.model_dump_json(), str(model.to_json())]
        shown.append(repr(model.connection_settings))
        assert not any("SECRET" in text for text in shown)


@pytest.mark.row("B1.02")
@pytest.mark.row("X.18")
@pytest.mark.parametrize(
    "fields",
    [
        {"aws_secret_access_key": "SECRET"},
        {"api_key": "SECRET", "timeout": 0},
        {"default_headers": {"X-Token": "SECRET\n"}},
        {"aws_secret_access_key": b"SECRET\xff"},
    ],
)
def test_the_error_of_an_argument_shows_no_secret(fields: dict[str, Any]) -> None:
    """Neither that of the argument itself nor that of another one."""
    with pytest.raises(ValidationError) as caught:
        Model(**fields)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("way", ["blocking", "loop"])
def test_a_key_read_from_a_file_may_end_with_a_line_break(
    server: BedrockServer, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent without: no header can hold one."""
    server.accept(bearer="key1")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "key1\n")
    for model in (
        Model(api_key="key1\n", region_name="us-east-1", endpoint_url=server.url),
        Model(region_name="us-east-1", endpoint_url=server.url),
    ):
        if way == "blocking":
            model.transport.call(CONVERSE)
        else:
            asyncio.run(model.transport.acall(CONVERSE))
    assert {request.headers["authorization"] for request in server.requests()} == {"Bearer key1"}


@pytest.mark.row("B1.19")
@pytest.mark.row("C.05")
def test_the_region_is_looked_up_in_the_documented_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Argument, AWS_REGION, AWS_DEFAULT_REGION, the profile's."""
    config = tmp_path / "config"
    config.write_text("[profile dev]\nregion = eu-west-3\naws_access_key_id = A\naws_secret_access_key = S\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    made = Model(credentials_profile_name="dev").transport.client()
    assert made.meta.region_name == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert Model(credentials_profile_name="dev").region_name == "ap-south-1"
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert Model().region_name == "sa-east-1"
    assert Model(region="us-west-2").region_name == Model(region_name="us-west-2").region_name == "us-west-2"
    client = Model(region="us-west-2", credentials_profile_name="dev").transport.client()
    assert client.meta.endpoint_url == "https://bedrock-runtime.us-west-2.amazonaws.com"


@pytest.mark.row("B1.08")
def test_a_named_profile_signs_though_the_environment_has_keys(
    server: BedrockServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Keys and bearer token of the environment are left alone."""
    own = server.credentials
    shared = tmp_path / "credentials"
    shared.write_text(
        f"[dev]\naws_access_key_id = {own['aws_access_key_id']}\n"
        f"aws_secret_access_key = {own['aws_secret_access_key']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "WRONG")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "WRONG")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "WRONG")
    model = Model(credentials_profile_name="dev", region="us-east-1", endpoint_url=server.url)
    assert model.invoke("x") == "end_turn"
    assert [request.signature for request in server.requests()] == ["valid"]


def test_a_profile_that_does_not_exist_is_told(server: BedrockServer) -> None:
    """At the first call, with its name and advice."""
    model = Model(credentials_profile_name="nobody", region="us-east-1", endpoint_url=server.url)
    with pytest.raises(errors.CredentialsError, match="nobody"):
        model.transport.call(CONVERSE)
    with pytest.raises(errors.CredentialsError, match="nobody"):
        asyncio.run(model.transport.acall(CONVERSE))


@pytest.mark.parametrize("way", ["blocking", "loop"])
def test_missing_credentials_and_regions_are_told_with_advice(server: BedrockServer, way: str) -> None:
    """Never tried again; no request is made."""

    def asked(model: Model) -> Any:
        return model.transport.call(CONVERSE) if way == "blocking" else asyncio.run(model.transport.acall(CONVERSE))

    with pytest.raises(errors.CredentialsError, match="credentials_profile_name") as caught:
        asked(Model(region="us-east-1", endpoint_url=server.url))
    assert caught.value.attempts == 1
    with pytest.raises(errors.RequestInvalidError, match="AWS_REGION"):
        asked(Model(aws_access_key_id="A", aws_secret_access_key="S"))
    assert server.requests() == []


@pytest.mark.row("C.06")
@pytest.mark.row("X.15")
@pytest.mark.parametrize("way", ["blocking", "loop"])
def test_each_object_calls_with_its_own_key(server: BedrockServer, way: str) -> None:
    """Two API keys, two pairs of keys, in turns, in one process, which learns none of them."""
    server.accept(bearer="KEY-A")
    server.accept(bearer="KEY-B")
    server.accept(aws_access_key_id="AKIDOTHER", aws_secret_access_key="othersecret")
    models = [
        at(server, api_key="KEY-A", aws_access_key_id=None, aws_secret_access_key=None),
        at(server, api_key="KEY-B", aws_access_key_id=None, aws_secret_access_key=None),
        at(server),
        at(server, aws_access_key_id="AKIDOTHER", aws_secret_access_key="othersecret"),
    ]
    before = dict(os.environ)

    async def all_at_once() -> None:
        await asyncio.gather(*(model.transport.acall(CONVERSE) for model in models * 3))

    if way == "loop":
        asyncio.run(all_at_once())
    else:
        for model in models * 3:
            model.transport.call(CONVERSE)
    seen = server.requests()
    who = sorted(request.headers["authorization"].split("/")[0] for request in seen)
    signed = "AWS4-HMAC-SHA256 Credential="
    own = server.credentials["aws_access_key_id"]
    assert who == sorted(["Bearer KEY-A", "Bearer KEY-B", f"{signed}{own}", f"{signed}AKIDOTHER"] * 3)
    assert {request.signature for request in seen} == {"valid", "bearer"}
    assert dict(os.environ) == before


@pytest.mark.row("C.06")
@pytest.mark.parametrize("way", ["blocking", "loop"])
def test_explicit_keys_win_over_a_bearer_token_of_the_environment(
    server: BedrockServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """boto3 itself would send the token; without explicit keys it is sent."""
    server.accept(bearer="ENV-KEY")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "ENV-KEY")
    for model in (at(server), Model(region="us-east-1", endpoint_url=server.url)):
        _ = model.transport.call(CONVERSE) if way == "blocking" else asyncio.run(model.transport.acall(CONVERSE))
    assert [request.signature for request in server.requests()] == ["valid", "bearer"]


@pytest.mark.row("B1.10")
@pytest.mark.row("C.08")
def test_all_traffic_goes_to_the_endpoint(server: BedrockServer) -> None:
    """By either name."""
    assert Model(base_url=server.url).endpoint_url == server.url
    assert at(server).invoke("x") == "end_turn"
    assert Retriever(**server.credentials, endpoint_url=server.url).invoke("x")[0].page_content == "end_turn"
    assert len(server.requests()) == 2


@pytest.mark.row("C.09")
@pytest.mark.parametrize("given", [False, True], ids=["own client", "given client"])
def test_default_headers_are_on_every_request_of_their_object_alone(server: BedrockServer, given: bool) -> None:
    """They are signed; two objects share a client and not their headers."""
    import boto3

    client = boto3.client("bedrock-runtime", endpoint_url=server.url, **server.credentials) if given else None
    for headers in ({"X-Team": "blue"}, {"X-Team": "red"}, None):
        model = at(server, default_headers=headers, client=client)
        model.transport.call(CONVERSE)
        asyncio.run(model.transport.acall(CONVERSE))
    seen = server.requests()
    assert [request.headers.get("x-team") for request in seen] == ["blue", "blue", "red", "red", None, None]
    assert {request.signature for request in seen} == {"valid"}


@pytest.mark.row("B1.07")
@pytest.mark.row("C.10")
def test_limits_are_merged_over_the_config_and_the_config_over_ours() -> None:
    """A timeout is both limits, or a pair of them; other settings of the config stay."""

    def limits(**fields: Any) -> tuple[Any, ...]:
        made = Model(aws_access_key_id="A", aws_secret_access_key="S", region="us-east-1", **fields)
        config = made.transport.client().meta.config
        return config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"], config.tcp_keepalive

    assert limits() == (10, 300, 1, None)
    config = Config(read_timeout=5, retries={"max_attempts": 7}, tcp_keepalive=True)
    assert limits(config=config) == (10, 5, 1, True)
    assert limits(config=config, timeout=2) == (2, 2, 1, True)
    assert limits(timeout=(3, 4.5)) == (3, 4.5, 1, None)


@pytest.mark.row("X.14")
def test_objects_with_equal_settings_share_one_client_and_its_connections(server: BedrockServer) -> None:
    """Also when their configs are equal but not the same, and their headers and attempts differ."""
    models = [
        at(server, config=Config(user_agent_extra="shared"), max_retries=n, default_headers={"X-N": str(n)})
        for n in range(5)
    ]
    for model in models:
        model.invoke("x")
    assert len({id(model.transport.client()) for model in models}) == 1
    assert len({request.connection for request in server.requests()}) == 1
    assert at(server, config=Config(user_agent_extra="other")).transport.client() is not models[0].transport.client()


@pytest.mark.row("X.14")
def test_making_an_object_asks_no_network_and_loads_no_client() -> None:
    """Not even boto3 and httpx are imported; each further object makes nothing that is shared."""
    code = """
import socket, sys
socket.socket.connect = lambda *a: sys.exit("the network was asked")
from spanloom.runtime.models.bedrock.connection import BedrockConnection
made = [BedrockConnection(region_name="us-east-1", endpoint_url="http://nowhere.invalid") for _ in range(100)]
transports = [one.transport for one in made]
loaded = {"boto3", "botocore", "httpx", "urllib3"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_transport_is_kept_and_made_anew_when_a_field_changes(server: BedrockServer) -> None:
    """Copies and pickles work and reach the same client."""
    model = at(server)
    first = model.transport
    assert model.transport is first
    model.endpoint_url = "http://127.0.0.1:1"
    assert model.transport is not first
    model.endpoint_url = server.url
    for other in (copy.deepcopy(model), model.model_copy(), pickle.loads(pickle.dumps(model))):
        assert other.transport.client() is model.transport.client()
        assert other.transport.call(CONVERSE)["stopReason"] == "end_turn"


def test_a_forked_child_makes_its_own_client(server: BedrockServer) -> None:
    """It never writes into its parent's connection."""
    model = at(server)
    model.transport.call(CONVERSE)
    child = os.fork()
    if child == 0:
        try:
            model.transport.call(CONVERSE)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    model.transport.call(CONVERSE)
    first, of_child, second = (request.connection for request in server.requests())
    assert first == second != of_child


def test_a_child_forked_while_something_is_made_does_not_wait_for_it() -> None:
    """Whoever makes it is a thread of the parent's."""
    from spanloom.runtime.models.bedrock.shared import Shared

    table: Shared[str] = Shared(2)
    begun, over = threading.Event(), threading.Event()

    def make() -> str:
        begun.set()
        over.wait(60)
        return "the parent's"

    maker = threading.Thread(target=table.get, args=("x", make))
    maker.start()
    begun.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # it would wait for ever
        os._exit(0 if table.get("x", lambda: "the child's") == "the child's" else 1)
    ended = os.waitpid(child, 0)[1]
    over.set()
    maker.join()
    assert ended == 0
    assert table.find("x") == "the parent's"


def test_the_table_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those not used longest leave."""
    from spanloom.runtime.models.bedrock.shared import Shared

    table: Shared[str] = Shared(2)
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    for name in "abacab":
        assert table.get(name, lambda name=name: make(name)) == name  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    assert (table.find("a"), table.find("b"), table.find("c")) == ("a", "b", None)


def test_a_failure_to_make_a_client_is_not_kept() -> None:
    """The next one who asks tries again."""
    from spanloom.runtime.models.bedrock.shared import Shared

    table: Shared[int] = Shared(2)
    with pytest.raises(ZeroDivisionError):
        table.get("x", lambda: 1 // 0)
    assert table.get("x", lambda: 3) == 3


@pytest.mark.parametrize(
    ("variables", "fields", "native"),
    [
        ({}, {}, True),
        ({"HTTPS_PROXY": "http://127.0.0.1:9"}, {}, False),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"}, {}, True),
        ({}, {"config": Config(proxies={"https": "http://127.0.0.1:9"})}, False),
        ({}, {"config": Config(client_cert="cert.pem")}, False),
    ],
    ids=["plain", "proxy", "no proxy", "proxy in config", "client certificate"],
)
def test_proxies_and_client_certificates_are_left_to_boto3(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], fields: dict[str, Any], native: bool
) -> None:
    """On a loop such calls run in worker threads; others are sent by the loop itself."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    service_clients.clear()
    model = Model(aws_access_key_id="A", aws_secret_access_key="S", region="us-east-1", **fields)
    made = ServiceClient.of(model.connection_settings, "bedrock-runtime")
    service_clients.clear()
    assert made.is_native is native
