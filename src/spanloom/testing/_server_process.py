"""A test server as a child process on loopback: how it starts, is asked, and ends with its parent.

The child watches its standard input, which the system closes with its parent, so it never outlives a killed test run.
Its first line of output is a JSON object with its `url`.
"""

import argparse
import asyncio
import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._http import ClientReader

__all__ = ["ServerProcess", "Serving", "add_process_arguments", "run_server"]

_START_S = 20.0
_STOP_S = 3.0
_HOST = "127.0.0.1"

Serving = Callable[[ClientReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class ServerProcess:
    """A running test server in a child process, until `close` or until this object is collected.

    Args:
        module: The module whose `main(arguments)` serves.
        arguments: Its command line arguments.

    Raises:
        RuntimeError: If the server does not start within 20 seconds, or its port is taken.
    """

    def __init__(self, module: str, arguments: Sequence[str]) -> None:
        code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-c", code, "--exit-with-parent", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._stop = weakref.finalize(self, _stop, process)
        self.pid = process.pid
        line = _first_line(process)
        if not line:
            self._stop()
            raise RuntimeError(
                f"The test server {module} did not start (exit code {process.returncode}); see its stderr."
            )
        self.url: str = json.loads(line)["url"]
        self._port = int(self.url.rpartition(":")[2])

    def close(self) -> None:
        """End the server and wait until its process is gone. May be called again."""
        self._stop()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the server answers to a request of a test.

        Args:
            method: The HTTP method.
            path: The path and query.
            body: A JSON value; bytes in it are sent in base64. None sends no body.

        Raises:
            ValueError: If the server refuses the request.
        """
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body, default=_base64).encode())
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"The test server refused {method} {path}: {value['detail']}")
        return value


def add_process_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """Add the arguments that every test server takes: its port, and whether it ends with its parent.

    Args:
        parser: The parser to extend.
        port: The default port.
    """
    parser.add_argument("--port", type=int, default=port, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")


def run_server(serving: Serving, port: int, exit_with_parent: bool, facts: Mapping[str, Any], name: str) -> int:
    """Serve in this process until it is told to end; return the exit code.

    Args:
        serving: Answers one connection until either side closes it.
        port: The port; 0 takes a free one.
        exit_with_parent: End when standard input ends.
        facts: What the first line of output tells besides the `url` and `pid`.
        name: The server's name in messages.
    """
    try:
        asyncio.run(_serve(serving, port, exit_with_parent, facts))
    except KeyboardInterrupt:
        return 0
    except OSError as err:
        sys.stderr.write(f"{name}: {err}\n")
        return 1
    return 0


async def _serve(serving: Serving, port: int, exit_with_parent: bool, facts: Mapping[str, Any]) -> None:
    done = asyncio.Event()
    connections: set[asyncio.Task[None]] = set()

    def protocol() -> asyncio.StreamReaderProtocol:
        reader = ClientReader()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(serving(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        return asyncio.StreamReaderProtocol(reader, connected)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, _HOST, port, backlog=1024)
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
        loop.add_signal_handler(signal.SIGTERM, done.set)
        # A terminal's Ctrl-C reaches the whole process group; a parent that owns the server ends it when it is done.
        loop.add_signal_handler(signal.SIGINT, _nothing if exit_with_parent else done.set)
    if exit_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, done), daemon=True, name="test-server-stdin").start()
    taken = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"url": f"http://{_HOST}:{taken}", "pid": os.getpid(), **facts}) + "\n")
    sys.stdout.flush()
    try:
        await done.wait()
    finally:
        server.close()
        for task in connections:
            task.cancel()


def _nothing() -> None:
    """Take a signal and do nothing."""


def _watch_stdin(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    # os.read, not sys.stdin: a thread blocked inside a buffered reader aborts the interpreter when it shuts down.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(done.set)


def _first_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the line that a starting server prints; empty when it ended or took too long."""
    assert process.stdout is not None
    guard = threading.Timer(_START_S, process.kill)
    guard.daemon = True
    guard.start()
    try:
        return process.stdout.readline()
    finally:
        guard.cancel()
        guard.join()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server's process and wait for it; its input's end is the signal, a kill the last resort."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"{value!r} cannot be sent to a test server; use JSON values and bytes")
