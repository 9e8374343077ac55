"""One Bedrock server process for each module, without orders or notes at the start of each test."""

from collections.abc import Iterator

import pytest

from spanloom.testing.bedrock_server import BedrockServer, bedrock_server


@pytest.fixture(scope="module")
def process() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


@pytest.fixture
def server(process: BedrockServer) -> Iterator[BedrockServer]:
    process.reset()
    yield process
    process.reset()
