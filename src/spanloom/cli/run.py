"""`spanloom run`: run a chain of a Python file, print its output as it comes, and record it."""

from __future__ import annotations

import json
import shlex
import sys
from asyncio import CancelledError
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from .text import OutputClosed, note

if TYPE_CHECKING:
    from ..exporters import Tracing
    from ..runtime.runnables import RunnableConfig

__all__ = ["run"]

_FLUSH_S = 10.0
"""How long to wait for the destinations when the run is over."""


_HELP = """Run a chain of a Python file and print its output.

CHAIN is a runnable, a function of one argument, a dict of these, or a function without arguments that returns a
runnable. The run is recorded in the span store, and sent wherever OTEL_* variables say. The trace's id and the
commands to look further stand on standard error.
"""


def _parse_metadata(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    for pair in given:
        if not pair.partition("=")[0].strip() or "=" not in pair:
            raise click.BadParameter(f"{pair!r} is no pair; write KEY=VALUE.", ctx, parameter)
    return {key.strip(): value for key, _, value in (pair.partition("=") for pair in given)}


@click.command(help=_HELP)
@click.argument("chain", metavar="FILE.py:CHAIN")
@click.option("--input", "text", metavar="TEXT", help="The input, a text.")
@click.option("--input-json", "json_text", metavar="JSON", help="The input, as JSON.")
@click.option(
    "--input-file", "input_file", metavar="FILE", help="A file with the input: JSON in a .json file; - is stdin."
)
@click.option("--stream/--no-stream", default=True, help="Print chunks as they come, or the output at the end.")
@click.option("--async", "on_loop", is_flag=True, help="Run on an event loop; done anyway when a step is async only.")
@click.option("--store", metavar="PATH", help="The span store to record in; the local one when not given.")
@click.option(
    "--capture",
    type=click.Choice(["structure", "content", "chunks"]),
    default="chunks",
    show_default=True,
    help="How much of the values the store keeps. What goes elsewhere is said by OTEL_* variables alone.",
)
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag of the run; may be repeated.")
@click.option("--metadata", metavar="KEY=VALUE", multiple=True, callback=_parse_metadata, help="May be repeated.")
def run(
    chain: str,
    text: str | None,
    json_text: str | None,
    input_file: str | None,
    stream: bool,
    on_loop: bool,
    store: str | None,
    capture: str,
    tags: tuple[str, ...],
    metadata: dict[str, str],
) -> None:
    """Run a chain, print its output, and end with exit code 1 if it failed."""
    from ..tracing.ids import new_id
    from .chains import load_chain, needs_loop, told_error
    from .output import Printer, run_blocking, run_on_loop

    value = _read_input(text, json_text, input_file)
    runnable, path = load_chain(chain)
    tracing = _configure(path, store, capture)
    run_id = UUID(int=new_id())
    config: RunnableConfig = {"tags": list(tags), "metadata": dict(metadata), "run_id": run_id}
    failure: BaseException | None = None
    with ExitStack() as after:
        after.callback(_report, tracing, run_id, store)
        printer = Printer()
        try:
            if on_loop or needs_loop(runnable):
                run_on_loop(runnable, value, config, stream, printer)
            else:
                run_blocking(runnable, value, config, stream, printer)
        except OutputClosed:
            raise
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever the chain raises is told in one line
            failure = error
        printer.close()
        if failure is not None:
            note(f"Error: {told_error(failure, path)}{_hint(failure, on_loop)}")
    if failure is not None:
        sys.exit(1)


def _read_input(text: str | None, json_text: str | None, input_file: str | None) -> Any:
    if sum(given is not None for given in (text, json_text, input_file)) != 1:
        raise click.UsageError(
            "Give the chain's input by one of --input TEXT, --input-json JSON and --input-file FILE."
        )
    if json_text is not None:
        return _read_json(json_text, "--input-json")
    if input_file is None:
        return text
    try:
        if input_file == "-":
            return sys.stdin.read()
        read = Path(input_file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise click.UsageError(f"The input file {input_file!r} cannot be read ({why}).") from error
    return _read_json(read, input_file) if input_file.endswith(".json") else read


def _read_json(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{source} is no JSON: {error}. Quote it as one argument, or use --input.") from error


def _configure(path: Path, store: str | None, capture: Any) -> Tracing:
    """Record in the store; the service is named after the file where nothing else names it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    from ..exporters import configure

    name = None
    if isinstance(get_tracer_provider(), ProxyTracerProvider):
        told = str(Resource.create().attributes.get(SERVICE_NAME, ""))
        name = path.stem if not told or told.startswith("unknown_service") else None
    return configure(service_name=name, store=True if store is None else store, store_capture=capture)


def _hint(failure: BaseException, on_loop: bool) -> str:
    from ..runtime.exceptions import AsyncOnlyError

    is_async_only = isinstance(failure, AsyncOnlyError) or "ainvoke" in str(failure)
    return " Run it again with --async." if is_async_only and not on_loop else ""


def _report(tracing: Tracing, run_id: UUID, store: str | None) -> None:
    """Deliver what is queued, then say where the run can be found and what was lost."""
    tracing.flush(_FLUSH_S)
    tracing.shutdown(_FLUSH_S)
    for health in tracing.health().values():
        if health.lost:
            count = "1 span" if health.lost == 1 else f"{health.lost} spans"
            note(f"{count} did not reach {health.destination}; the run itself is not affected.")
    trace_id = _recorded(run_id, store)
    if trace_id is None:
        note("The run was not recorded; see OTEL_SDK_DISABLED, OTEL_TRACES_SAMPLER and the program's own provider.")
        return
    where = "" if store is None else f" --store {shlex.quote(store)}"
    note(f"trace {trace_id}\n  spanloom show {trace_id}{where}\n  spanloom events {trace_id}{where}")


def _recorded(run_id: UUID, store: str | None) -> str | None:
    from ..exporters import SqliteStore, StoreError

    try:
        with SqliteStore(store) as opened:
            return opened.find(str(run_id))
    except StoreError:
        return None
