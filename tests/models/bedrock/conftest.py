"""One Bedrock server process for each module, forgetful between tests."""

from collections.abc import Iterator

import pytest

from spanloom.testing.bedrock_server import BedrockServer, bedrock_server
from spanloom.testing.recorder import SpanRecorder


@pytest.fixture(scope="module")
def bedrock_process() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


@pytest.fixture
def bedrock(bedrock_process: BedrockServer) -> Iterator[BedrockServer]:
    bedrock_process.reset()
    yield bedrock_process
    bedrock_process.reset()


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span, with journals that keep no content."""
    with SpanRecorder("structure") as recorder:
        yield recorder
