"""`spanloom demo`: the main job end to end, on this machine alone.

A question is answered from text files by a chain over a ChatGLM server, or a Bedrock server with a guardrail that
blocks one further question and masks the answer to another. Tokens are shown as they come, then the span tree, then
some of its events. At the end a second process replays the events from the store file alone, and its lines are compared
with those seen live: one missing is a failure.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from ..exporters import Tracing
    from ..runtime.runnables import Runnable

__all__ = ["QUESTION", "demo"]

QUESTION = "What does spanloom keep beside each span, and what is it good for?"
"""What is asked when nothing else is."""

_WIDTH = 120
_FLUSH_S = 3.0


def _checked_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the address of a server as it was given."""
    try:
        parts = urlsplit(value) if value is not None else None
        is_address = parts is None or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        is_address = False
    if not is_address:
        raise click.ClickException(f"--endpoint is {value!r}; give an address such as http://127.0.0.1:8000.")
    return value


@click.command(help="Answer a question from text files, traced, and replay the run in a second process.")
@click.option("--question", default=QUESTION, show_default=True, help="What to ask.")
@click.option("--docs", multiple=True, type=click.Path(path_type=Path), help="Text files or folders to answer from.")
@click.option("--store", type=click.Path(path_type=Path), help="The span store; the default store when not given.")
@click.option(
    "--model",
    type=click.Choice(["chatglm", "bedrock"]),
    default="chatglm",
    show_default=True,
    help="Which model to ask.",
)
@click.option(
    "--endpoint", callback=_checked_address, help="The model's server; one is started on this machine when not given."
)
@click.option("--delay-ms", default=15.0, show_default=True, help="The started server's pause between tokens.")
def demo(
    question: str, docs: tuple[Path, ...], store: Path | None, model: str, endpoint: str | None, delay_ms: float
) -> None:
    """Answer a question from text files, traced, and replay the run in a second process.

    Raises:
        ClickException: If the files cannot be read, the model does not answer, or the replay differs.
    """
    from ..exporters import configure, default_store_path
    from .demo_chain import DocsError, build_chain, default_docs, read_passages
    from .demo_models import served

    try:
        passages = read_passages(docs or default_docs())
    except DocsError as exc:
        raise click.ClickException(str(exc)) from exc
    path = store or default_store_path()
    with ExitStack() as stack:
        tracing = configure(service_name="spanloom-demo", store=path, store_capture="chunks")
        stack.callback(tracing.shutdown, _FLUSH_S)
        asked = served(model, stack, endpoint, delay_ms)
        chain = build_chain([*passages, *asked.further_passages], asked.model)
        trace_id = ""
        for each in (question, *asked.further_questions):
            click.secho(f"Question: {each}", bold=True)
            records = _recorded(chain, each, tracing, path, endpoint)
            while asked.notices:
                click.secho(asked.notices.pop(0), fg="yellow")
            trace_id = _shown(path, records)
            _compared(path, trace_id, records)
    _told_how_to_go_on(path, trace_id, asked.model.run_type)


def _recorded(
    chain: Runnable[str, str], question: str, tracing: Tracing, path: Path, endpoint: str | None
) -> list[dict[str, Any]]:
    """Ask, show the answer as it comes, and return the records once the spans are in the store."""
    records: list[dict[str, Any]] = []
    try:
        asyncio.run(_asked(chain, question, records))
    except Exception as exc:
        tracing.flush(_FLUSH_S)
        where = f"{endpoint}: " if endpoint and endpoint not in str(exc) else ""
        kept = f"The failed run is in the store: spanloom show --last --store {path}"
        raise click.ClickException(f"{where}{exc} {kept}") from exc
    tracing.flush(_FLUSH_S)
    _checked(tracing)
    return records


def _checked(tracing: Tracing) -> None:
    """Tell where spans did not arrive; the demonstration cannot go on without those in the store."""
    for sink in tracing.health().values():
        if not sink.lost and not sink.queued:
            continue
        told = (
            f"{sink.lost + sink.queued} spans have not arrived at {sink.destination}: {sink.last_error or 'too slow'}"
        )
        if sink.destination.startswith("store:"):
            raise click.ClickException(told)
        click.echo(f"Note: {told}", err=True)


async def _asked(chain: Runnable[str, str], question: str, records: list[dict[str, Any]]) -> None:
    """Ask, show the tokens as they come, and keep every record as replay will give it."""
    from ..tracing import canonical

    began = time.perf_counter()
    first = None
    async for record in chain.astream_events(question, version="v2"):
        records.append(canonical(record))
        if record["event"] == "on_chain_stream" and not record["parent_ids"]:
            first = first or time.perf_counter() - began
            click.echo(record["data"]["chunk"], nl=False)
    click.echo(
        f"\n(first token after {1000 * (first or 0):.0f} ms, done after {1000 * (time.perf_counter() - began):.0f} ms)"
    )


def _shown(path: Path, records: list[dict[str, Any]]) -> str:
    """Show the span tree and some events, and return the trace id."""
    from ..exporters import SqliteStore, render_tree
    from .lines import event_line
    from .text import line_width

    with SqliteStore(path) as store:
        trace_id = store.find(records[0]["run_id"])
        if trace_id is None:
            raise click.ClickException(f"The run {records[0]['run_id']} is not in {path}; no span was recorded.")
        spans = store.trace(trace_id)
    click.secho("\nSpans", bold=True)
    click.echo(render_tree(spans, color=sys.stdout.isatty() and "NO_COLOR" not in os.environ).rstrip())
    click.secho("\nEvents of types tool, retriever and passages_found", bold=True)
    wanted = {"tool", "retriever"}
    for record in records:
        if record["event"].split("_")[1] in wanted or record["name"] == "passages_found":
            click.echo(event_line(record, min(line_width() or _WIDTH, _WIDTH)))
    return trace_id


def _compared(path: Path, trace_id: str, records: list[dict[str, Any]]) -> None:
    """Replay in a second process and compare its lines with the live ones."""
    command = [sys.executable, "-m", "spanloom.cli", "events", trace_id, "--store", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise click.ClickException(f"The second process could not replay the run: {done.stderr.strip()}")
    replayed = [json.loads(line) for line in done.stdout.splitlines()]
    equal = sum(live == stored for live, stored in zip(records, replayed, strict=False))
    click.secho("\nReplay", bold=True)
    told = f"{equal} of {len(records)} records that a second process rebuilt from the store equal those seen live."
    click.echo(f"{told}\n")
    if equal != len(records) or len(replayed) != len(records):
        raise click.ClickException(
            f"The replay differs: {len(records)} records live, {len(replayed)} replayed, {equal} equal."
        )


def _told_how_to_go_on(path: Path, trace_id: str, model_type: str) -> None:
    from ..exporters import default_store_path

    where = "" if path == default_store_path() else f" --store {path}"
    click.secho("Look further", bold=True)
    click.echo(f"trace id  {trace_id}")
    click.echo(f"  spanloom show {trace_id}{where}")
    click.echo(f"  spanloom events {trace_id}{where} --include-types {model_type}")
    click.echo(f"  spanloom events {trace_id}{where} --exclude-types chain --json")
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        click.echo(f"  in Jaeger, where it collects: http://localhost:16686/trace/{trace_id}")
