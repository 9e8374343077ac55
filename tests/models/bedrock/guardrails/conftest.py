"""One Bedrock server process for each module, forgetful between tests, with a guardrail set up."""

from collections.abc import Iterator

import pytest

from spanloom.testing.bedrock_server import BedrockServer, bedrock_server
from spanloom.testing.recorder import SpanRecorder

SORRY = "Sorry, not this."


@pytest.fixture(scope="module")
def bedrock_process() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


@pytest.fixture
def bedrock(bedrock_process: BedrockServer) -> Iterator[BedrockServer]:
    bedrock_process.reset()
    bedrock_process.guardrail(
        "gr1",
        "2",
        blocked_words=["darn"],
        masked={r"[\w.]+@[\w.]+": "{EMAIL}"},
        topics={"money": ["invest"]},
        blocked_message=SORRY,
    )
    yield bedrock_process
    bedrock_process.reset()


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span, with journals that keep no content."""
    with SpanRecorder("structure") as recorder:
        yield recorder
