"""One Bedrock server process for each module, without orders or notes at the start of each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spanloom.testing.bedrock_server import BedrockServer, bedrock_server

from .travelling import Traveller, Way, connection


@pytest.fixture(scope="module")
def process() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


@pytest.fixture
def server(process: BedrockServer) -> Iterator[BedrockServer]:
    process.reset()
    yield process
    process.reset()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the AWS variables, files or proxies of the machine it runs on."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    nowhere = tmp_path_factory.getbasetemp() / "nothing-here"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def travel(server: BedrockServer) -> Callable[..., Traveller]:
    """Travellers to the server."""

    def make(way: Way, **changes: Any) -> Traveller:
        return Traveller(way, server, connection(server, **changes))

    return make
