"""The main job as a new user runs it: a process, a socket, a store, a second process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spanloom.exporters import SqliteStore


def demo(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    environment.update(variables)
    command = [sys.executable, "-m", "spanloom.cli", "demo", "--store", str(tmp_path / "spans.db"), "--delay-ms", "1"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with one text."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "loom.md").write_text(
        "# Looms\n\nA loom weaves threads into cloth on a wooden frame.\n\nSheep graze in green fields.\n"
    )
    return folder


def test_the_demo_answers_from_the_docs_and_replays_every_record(tmp_path: Path, docs: Path) -> None:
    """Tokens, tree, events, the number of equal records, the trace id and the commands; the commands work."""
    done = demo(tmp_path, "--docs", str(docs), "--question", "What does a loom weave?")
    assert done.returncode == 0, done.stderr
    assert "A loom weaves threads into cloth on a wooden frame" in done.stdout
    equal = re.search(r"^(\d+) of (\d+) records", done.stdout, re.MULTILINE)
    assert equal is not None
    assert equal[1] == equal[2]
    assert int(equal[1]) > 40
    for name in ("prepare", "search", "key_terms", "answer", "ChatGLM", "StrOutputParser", "passages_found"):
        assert name in done.stdout or name == "ChatGLM"
    trace_id = re.search(r"trace id +([0-9a-f]{32})", done.stdout)
    assert trace_id is not None
    command = next(line.split() for line in done.stdout.splitlines() if "--exclude-types" in line)
    shown = subprocess.run([sys.executable, "-m", "spanloom.cli", *command[1:]], capture_output=True, text=True)
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert records
    assert all(not record["event"].startswith("on_chain") for record in records)


def test_a_bad_docs_path_is_one_clear_line(tmp_path: Path) -> None:
    """Exit code 1, no traceback."""
    done = demo(tmp_path, "--docs", str(tmp_path / "missing"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--docs" in done.stderr
    assert "give text files" in done.stderr


def test_a_dead_model_server_is_one_clear_line_and_the_failed_run_is_kept(tmp_path: Path, docs: Path) -> None:
    """Exit code 1; the store holds the run with its error."""
    done = demo(tmp_path, "--docs", str(docs), "--endpoint", "http://127.0.0.1:9/v1/chat/completions")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "http://127.0.0.1:9/" in done.stderr
    with SqliteStore(tmp_path / "spans.db") as store:
        (summary,) = store.traces(errors_only=True)
        root = next(span for span in store.trace(summary.trace_id) if span.parent_span_id is None)
    assert root.status == "ERROR"
    assert "ChatGlmUnreachableError" in root.status_message


def test_a_server_that_answers_an_error_is_told(tmp_path: Path, docs: Path) -> None:
    """A status other than 200 fails the run with that status."""
    from spanloom.testing.chatglm_server import ChatGlmServer

    with ChatGlmServer() as server:
        server.script({"status": 503})
        done = demo(tmp_path, "--docs", str(docs), "--endpoint", server.chat_url)
    assert done.returncode == 1
    assert "503" in done.stderr


def test_a_dead_collector_is_told_and_loses_nothing_else(tmp_path: Path, docs: Path) -> None:
    """The answer, the store and the replay are all there; one line says where the spans did not arrive."""
    done = demo(tmp_path, "--docs", str(docs), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:9" in done.stderr
    assert "equal those seen live" in done.stdout


def test_the_demo_over_bedrock_answers_blocks_and_masks(tmp_path: Path, docs: Path) -> None:
    """Each replay is exact; what the guardrail did is told as a sentence and marked in the tree and in `show`."""
    done = demo(tmp_path, "--docs", str(docs), "--question", "What does a loom weave?", "--model", "bedrock")
    assert done.returncode == 0, done.stderr
    answered, blocked, masked = done.stdout.split("Question: ")[1:]
    assert "A loom weaves threads into cloth on a wooden frame" in answered
    assert "guardrail" not in answered.lower()
    assert "This question is not answered here." in blocked
    assert "Amazon Bedrock Guardrails demo-guardrail intervened on INPUT: guardrail_intervened" in blocked
    assert "ok  guardrail: INPUT topic BLOCKED" in blocked
    assert "Ada Lovelace at {EMAIL}." in masked
    assert "intervened on INPUT: ANONYMIZED" in masked
    assert "guardrail: INPUT sensitive_information ANONYMIZED" in masked
    counts = re.findall(r"^(\d+) of (\d+) records", done.stdout, re.MULTILINE)
    assert len(counts) == 3
    assert all(equal == whole and int(whole) > 40 for equal, whole in counts)
    command = next(line.split() for line in done.stdout.splitlines() if "spanloom show" in line)
    wide = {**os.environ, "COLUMNS": "200"}
    shown = subprocess.run(
        [sys.executable, "-m", "spanloom.cli", *command[1:]], capture_output=True, text=True, env=wide
    )
    assert "guardrail: INPUT sensitive_information ANONYMIZED" in shown.stdout


@pytest.mark.parametrize("model", ["chatglm", "bedrock"])
@pytest.mark.parametrize("endpoint", ["nonsense", "", "http://[::1", "ftp://127.0.0.1"])
def test_an_endpoint_that_is_no_address_is_one_clear_line(tmp_path: Path, model: str, endpoint: str) -> None:
    """Nothing is asked and nothing stored."""
    done = demo(tmp_path, "--model", model, "--endpoint", endpoint)
    assert done.returncode == 1
    assert done.stderr == f"Error: --endpoint is {endpoint!r}; give an address such as http://127.0.0.1:8000.\n"
    assert not (tmp_path / "spans.db").exists()


def test_a_dead_bedrock_server_is_one_clear_line_with_its_address(tmp_path: Path, docs: Path) -> None:
    """Exit code 1, no traceback."""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    endpoint = ("--model", "bedrock", "--endpoint", "http://127.0.0.1:9")
    done = demo(tmp_path, "--docs", str(docs), *endpoint, AWS_MAX_ATTEMPTS="1", **keys)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert "spanloom show --last" in done.stderr
