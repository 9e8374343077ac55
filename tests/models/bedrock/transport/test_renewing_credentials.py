"""Credentials that expire: renewed before they do, once for all who wait, while the loop turns."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from spanloom.runtime.models.bedrock.clients import ConnectionSettings
from spanloom.runtime.models.bedrock.transport import Transport
from spanloom.testing.bedrock_server import BedrockServer

from .travelling import CONVERSE

PROGRAM = """
import datetime, json, os, pathlib, sys, time
home = pathlib.Path(sys.argv[1])
count = len(list(home.glob("asked-*"))) + 1
(home / f"asked-{count}").touch()
until = time.monotonic() + 20
while count > 1 and not (home / "open").exists() and time.monotonic() < until:
    time.sleep(0.01)
minutes = 5 if count == 1 else 60
at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
keys = {"AccessKeyId": f"AKID{count}", "SecretAccessKey": "secret"}
print(json.dumps({"Version": 1, "Expiration": at.isoformat(), **keys}))
"""
"""Gives credentials of five minutes, then of an hour; the second time when it is let."""


def renewed_by(program: str, home: Path, monkeypatch: pytest.MonkeyPatch, server: BedrockServer) -> ConnectionSettings:
    """Settings whose credentials come from a program, which is told where to leave notes."""
    (home / "program.py").write_text(program)
    command = json.dumps(f"{sys.executable} {home / 'program.py'} {home}")[1:-1]
    (home / "config").write_text(f"[profile {home.name}]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    return ConnectionSettings(region_name="us-east-1", profile_name=home.name, endpoint_url=server.url)


@pytest.mark.row("X.16")
async def test_credentials_are_renewed_before_they_expire_and_off_the_loop(
    server: BedrockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight calls wait for one renewal; the loop turns meanwhile, or nobody would let the renewal go on."""
    for number in (1, 2):
        server.accept(aws_access_key_id=f"AKID{number}", aws_secret_access_key="secret")
    transport = Transport(renewed_by(PROGRAM, tmp_path, monkeypatch, server))
    calls = [asyncio.ensure_future(transport.acall(CONVERSE)) for _ in range(8)]
    while not (tmp_path / "asked-2").exists():
        await asyncio.sleep(0)
    assert not any(call.done() for call in calls)
    (tmp_path / "open").touch()
    answers = await asyncio.gather(*calls)
    assert [answer["stopReason"] for answer in answers] == ["end_turn"] * 8
    await transport.acall(CONVERSE)
    seen = server.requests()
    assert {request.signature for request in seen} == {"valid"}
    assert {request.headers["authorization"].split("/")[0][-5:] for request in seen} == {"AKID2"}
    assert sorted(path for path in os.listdir(tmp_path) if path.startswith("asked")) == ["asked-1", "asked-2"]


FAILING = """
import datetime, json, pathlib, sys, time
home = pathlib.Path(sys.argv[1])
count = len(list(home.glob("asked-*"))) + 1
(home / f"asked-{count}").touch()
if count == 3:
    until = time.monotonic() + 5
    while not (home / "open").exists() and time.monotonic() < until:
        time.sleep(0.01)
    (home / ("let" if (home / "open").exists() else "starved")).touch()
if count > 1:
    sys.exit(1)
at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=12)
keys = {"AccessKeyId": "AKID1", "SecretAccessKey": "secret"}
print(json.dumps({"Version": 1, "Expiration": at.isoformat(), **keys}))
"""
"""Gives credentials of twelve minutes, which botocore would like to renew but need not, and then fails."""


@pytest.mark.row("X.01")
@pytest.mark.row("X.16")
async def test_a_renewal_that_fails_holds_up_neither_the_call_nor_the_loop(
    server: BedrockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old credentials still hold; whoever tries to renew them again does so off the loop."""
    server.accept(aws_access_key_id="AKID1", aws_secret_access_key="secret")
    transport = Transport(renewed_by(FAILING, tmp_path, monkeypatch, server))
    call = asyncio.ensure_future(transport.acall(CONVERSE))
    while not (tmp_path / "asked-3").exists():
        await asyncio.sleep(0)
    (tmp_path / "open").touch()
    assert (await call)["stopReason"] == "end_turn"
    assert (tmp_path / "let").exists()
