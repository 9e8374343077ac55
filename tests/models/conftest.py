"""One ChatGLM server process for each module, without orders or notes at the start of each test."""

from collections.abc import Iterator

import pytest

from spanloom.testing.chatglm_server import ChatGlmServer


@pytest.fixture(scope="module")
def process() -> Iterator[ChatGlmServer]:
    with ChatGlmServer() as running:
        yield running


@pytest.fixture
def server(process: ChatGlmServer) -> Iterator[ChatGlmServer]:
    process.reset()
    yield process
    process.reset()
