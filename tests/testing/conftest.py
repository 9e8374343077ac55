"""A running Bedrock test server, and real AWS clients that are pointed at it."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from spanloom.testing.bedrock_server import BedrockServer

ClientMaker = Callable[..., Any]
ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})


@pytest.fixture(scope="session")
def bedrock_process() -> Iterator[BedrockServer]:
    """One server for all tests."""
    with BedrockServer() as running:
        yield running


@pytest.fixture
def bedrock(bedrock_process: BedrockServer) -> Iterator[BedrockServer]:
    """The server as new."""
    bedrock_process.reset()
    yield bedrock_process
    bedrock_process.reset()


@pytest.fixture
def client_of(bedrock: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientMaker]:
    """Make boto3 clients of the server; they try once unless told otherwise."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    made: list[Any] = []

    def make(service: str = "bedrock-runtime", config: Config | None = None, **credentials: Any) -> Any:
        settings = {**bedrock.credentials, **credentials}
        client = boto3.client(service, endpoint_url=bedrock.url, config=ONCE.merge(config or Config()), **settings)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def runtime(client_of: ClientMaker) -> Any:
    """A boto3 client of bedrock-runtime."""
    return client_of()
