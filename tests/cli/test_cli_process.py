"""The command as a process of its own: entry, pipes, terminals."""

import json
import os
import pty
import signal
import socket
import subprocess

import click
import pytest

from spanloom.cli.app import app
from spanloom.exporters import SqliteStore
from spanloom.tracing import CallbackManager


def test_a_run_is_found_by_the_commands_that_it_names(process, program):
    done = process("run", f"{program}:chain", "--input", "Ann")
    assert (done.returncode, done.stdout) == (0, "Hello Ann.\n")
    _, show, events = (line.split() for line in done.stderr.splitlines())
    assert "RunnableSequence" in process(*show[1:]).stdout
    replayed = process(*events[1:], "--json")
    with SqliteStore() as store:
        records = list(CallbackManager.records(store.trace(events[-1])))
    assert [json.loads(line) for line in replayed.stdout.splitlines()] == records
    assert (replayed.returncode, replayed.stderr) == (0, "")


def test_help_lists_the_commands_and_needs_none_of_them(command):
    code = (
        "import sys\n"
        "from spanloom.cli.app import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = [m for m in ('opentelemetry', 'pydantic', 'spanloom.tracing', 'asyncio') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([command[0], "-c", code], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in ("demo", "events", "run", "show", "traces"))


def test_every_option_of_every_command_is_explained():
    """`--help` leaves no option without a sentence."""
    context = click.Context(app)
    commands = [app.get_command(context, name) for name in app.list_commands(context)]
    options = [option for command in commands for option in command.params if isinstance(option, click.Option)]
    assert options
    assert [option.name for option in options if not option.help] == []


def test_the_version_is_that_of_the_package(process):
    from importlib.metadata import version

    assert process("--version").stdout == f"spanloom {version('spanloom')}\n"


def test_an_unknown_command_ends_with_2(process):
    done = process("nothing")
    assert done.returncode == 2
    assert "No such command 'nothing'" in done.stderr


def test_a_reader_that_leaves_ends_the_replay_quietly(command, recorded):
    recorded("long")
    reading = subprocess.Popen(
        [*command, "events", "--last", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert json.loads(reading.stdout.readline())["event"] == "on_chain_start"
    reading.stdout.close()
    assert reading.stderr.read() == ""
    reading.stderr.close()
    assert reading.wait() == 0


def test_a_reader_that_leaves_closes_the_run(command, tmp_path):
    (tmp_path / "endless.py").write_text("def words(chunks):\n    while True:\n        yield 'word ' * 1000 + '\\n'\n")
    running = subprocess.Popen(
        [*command, "run", "endless.py:words", "--input", "x", "--capture", "structure"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.readline().startswith("word ")
    running.stdout.close()
    told = running.stderr.read()
    running.stderr.close()
    assert running.wait() == 0
    assert told.startswith("trace ")
    with SqliteStore() as store:
        assert store.last().outcome == "abandoned"


@pytest.mark.parametrize(("chain", "outcome"), [("waits", "error"), ("waits_on_a_loop", "cancelled")])
def test_an_interrupted_run_is_recorded_and_ends_with_1(command, tmp_path, chain, outcome):
    (tmp_path / "slow.py").write_text(
        "import asyncio, threading\n"
        "def waits(x):\n"
        "    print('begun', flush=True)\n"
        "    threading.Event().wait(600)\n"
        "async def waits_on_a_loop(x):\n"
        "    print('begun', flush=True)\n"
        "    await asyncio.sleep(600)\n"
    )
    with subprocess.Popen(
        [*command, "run", f"slow.py:{chain}", "--input", "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "begun\n"
        running.send_signal(signal.SIGINT)
        told = running.stderr.read()
    assert running.returncode == 1
    assert "Aborted!" in told
    assert "Traceback" not in told
    with SqliteStore() as store:
        assert store.last().outcome == outcome


def test_a_collector_that_is_not_there_takes_nothing_from_the_run(command, program):
    with socket.socket() as taken:  # bound, never listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
        done = subprocess.run(
            [*command, "run", f"{program}:shout", "--input", "x"],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "X\n")
    assert "1 span did not reach otlp:" in done.stderr
    assert "spanloom show " in done.stderr


def on_a_terminal(command, **variables):
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0
    return written.decode()


@pytest.mark.parametrize("subcommand", ["show", "events"])
def test_colours_stand_on_a_terminal_alone_and_never_with_no_color(command, process, recorded, subcommand):
    recorded()
    assert "\x1b[32m" in on_a_terminal([*command, subcommand, "--last"])
    assert "\x1b" not in on_a_terminal([*command, subcommand, "--last"], NO_COLOR="1")
    assert "\x1b" not in on_a_terminal([*command, subcommand, "--last"], TERM="dumb")
    assert "\x1b" not in process(subcommand, "--last").stdout
