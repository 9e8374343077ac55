"""A server that speaks ChatGLM's two protocols, for tests and demonstrations, as a process of its own on loopback.

    with ChatGlmServer() as server:
        server.script({"status": 500})
        ...                                # point a client at server.url
        assert server.requests()[0].json["max_length"] == 20000

Answers are made from the prompt and never random: sentences of the prompt's context that share most words with its
question, with the source named when passages are marked `[name] text`; without a context, an echo of the question's
key words. By hand: `python -m spanloom.testing.chatglm_server --port 8000`; the first line of output is a JSON object
with the server's `url`.

Paths: `POST /` (classic), `POST /v1/chat/completions` (whole, or streamed as server-sent events), `GET /v1/models`,
`GET /health`; for tests `POST /__script`, `GET /__requests`, `POST /__reset`. A request's header `X-Script` may hold
one behaviour as JSON for itself alone. Only the standard library is used. Being a process of its own, it takes no time
from the event loop, nor the interpreter lock, of the program under test.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ._glm_script import Behaviour, SeenRequest
from ._glm_service import GlmService

__all__ = ["ChatGlmServer", "SeenRequest", "main"]

_START_S = 20.0
_STOP_S = 3.0
_HOST = "127.0.0.1"
_CHILD = "import sys; from spanloom.testing.chatglm_server import main; sys.exit(main(sys.argv[1:]))"


class ChatGlmServer:
    """A ChatGLM server in a child process, running from construction until `close`.

    The child ends when this object is closed or collected, when the program ends, and when the program is killed: it
    watches its standard input, which the system closes with its parent.

    Args:
        delay_ms: Milliseconds before each token of a stream; a whole answer waits for all its tokens.
        crlf: End the lines of server-sent events with CRLF, as sse-starlette does, instead of LF.
        ping: Send a comment `: ping` before every event.
        usage: Send token counts: in whole answers, and in streams that ask by `stream_options.include_usage`.
        port: The port; 0 takes a free one.

    Raises:
        RuntimeError: If the server does not start within 20 seconds, or its port is taken.
    """

    def __init__(
        self, *, delay_ms: float = 0.0, crlf: bool = False, ping: bool = False, usage: bool = True, port: int = 0
    ) -> None:
        command = [sys.executable, "-c", _CHILD, "--exit-with-parent"]
        command += ["--port", str(port), "--delay-ms", str(delay_ms)]
        command += [flag for flag, is_set in (("--crlf", crlf), ("--ping", ping), ("--no-usage", not usage)) if is_set]
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._stop = weakref.finalize(self, _stop, process)
        self.pid = process.pid
        """The child's process id."""
        self._port = _port_of(process)
        if self._port is None:
            self._stop()
            raise RuntimeError(
                f"The ChatGLM test server did not start (exit code {process.returncode}); see its stderr."
            )

    @property
    def url(self) -> str:
        """The server's address without a trailing slash, such as `http://127.0.0.1:40123`; also after `close`."""
        return f"http://{_HOST}:{self._port}"

    @property
    def chat_url(self) -> str:
        """The address of the OpenAI-style protocol."""
        return f"{self.url}/v1/chat/completions"

    def script(self, *behaviours: dict[str, Any]) -> None:
        """Order how the next model requests are answered, one behaviour each; further ones get ordinary answers.

        Keys of a behaviour, which may be combined: `status`, `body` (a text, JSON or not), `json` (any value), `hang_s`
        (wait first), `close` (drop the connection in mid-answer; when streaming after `after_tokens` tokens, by default
        half of them), `tokens` (the answer's pieces), `delay_ms`, `crlf`, `ping`, `usage`.

        Args:
            behaviours: The behaviours, appended to those that still wait.

        Raises:
            ValueError: If one is not valid; then none is taken.
        """
        self._ask("POST", "/__script", list(behaviours))

    def requests(self, wait_s: float = 2.0) -> list[SeenRequest]:
        """Return every model request seen so far, oldest first.

        Args:
            wait_s: Wait at most this many seconds for answers in progress to end, so that a client that has just gone
                away is told as gone. A request still in progress then says so.
        """
        return [SeenRequest(**seen) for seen in self._ask("GET", f"/__requests?wait_s={wait_s}")]

    def reset(self) -> None:
        """Forget all requests and scripted behaviours."""
        self._ask("POST", "/__reset")

    def close(self) -> None:
        """End the server and wait until its process is gone. May be called again."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode())
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"The ChatGLM test server refused {method} {path}: {value['detail']}")
        return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server in this process until it is interrupted; return the exit code.

    Args:
        arguments: Command line arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m spanloom.testing.chatglm_server", description="A ChatGLM server.")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each token (default: none)")
    parser.add_argument("--crlf", action="store_true", help="end event lines with CRLF")
    parser.add_argument("--ping", action="store_true", help="send a comment before every event")
    parser.add_argument("--no-usage", action="store_true", help="send no token counts")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    usual = Behaviour(delay_ms=options.delay_ms, crlf=options.crlf, ping=options.ping, usage=not options.no_usage)
    try:
        asyncio.run(_serve(GlmService(usual), options.port, options.exit_with_parent))
    except KeyboardInterrupt:
        return 0
    except OSError as err:
        sys.stderr.write(f"chatglm_server: {err}\n")
        return 1
    return 0


async def _serve(service: GlmService, port: int, exit_with_parent: bool) -> None:
    done = asyncio.Event()
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(service.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, _HOST, port, backlog=1024)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
        loop.add_signal_handler(signal.SIGTERM, done.set)
        # A terminal's Ctrl-C reaches the whole process group; a parent that owns the server ends it when it is done.
        loop.add_signal_handler(signal.SIGINT, _nothing if exit_with_parent else done.set)
    if exit_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, done), daemon=True, name="chatglm-stdin").start()
    taken = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"url": f"http://{_HOST}:{taken}", "pid": os.getpid()}) + "\n")
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


def _port_of(process: "subprocess.Popen[bytes]") -> int | None:
    """Return the port that a starting server reports, or None when it ended or took too long."""
    assert process.stdout is not None
    guard = threading.Timer(_START_S, process.kill)
    guard.daemon = True
    guard.start()
    try:
        line = process.stdout.readline()
    finally:
        guard.cancel()
        guard.join()
    if not line:
        return None
    return int(json.loads(line)["url"].rpartition(":")[2])


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


if __name__ == "__main__":
    sys.exit(main())
