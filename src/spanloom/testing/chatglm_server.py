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
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from ._glm_script import Behaviour, SeenRequest
from ._glm_service import GlmService
from ._server_process import ServerProcess, add_process_arguments, run_server

__all__ = ["ChatGlmServer", "SeenRequest", "main"]


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
        arguments = ["--port", str(port), "--delay-ms", str(delay_ms)]
        arguments += [
            flag for flag, is_set in (("--crlf", crlf), ("--ping", ping), ("--no-usage", not usage)) if is_set
        ]
        self._process = ServerProcess("spanloom.testing.chatglm_server", arguments)
        self.pid = self._process.pid
        """The child's process id."""

    @property
    def url(self) -> str:
        """The server's address without a trailing slash, such as `http://127.0.0.1:40123`; also after `close`."""
        return self._process.url

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
        self._process.ask("POST", "/__script", list(behaviours))

    def requests(self, wait_s: float = 2.0) -> list[SeenRequest]:
        """Return every model request seen so far, oldest first.

        Args:
            wait_s: Wait at most this many seconds for answers in progress to end, so that a client that has just gone
                away is told as gone. A request still in progress then says so.
        """
        return [SeenRequest(**seen) for seen in self._process.ask("GET", f"/__requests?wait_s={wait_s}")]

    def reset(self) -> None:
        """Forget all requests and scripted behaviours."""
        self._process.ask("POST", "/__reset")

    def close(self) -> None:
        """End the server and wait until its process is gone. May be called again."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server in this process until it is interrupted; return the exit code.

    Args:
        arguments: Command line arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m spanloom.testing.chatglm_server", description="A ChatGLM server.")
    add_process_arguments(parser, 8000)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each token (default: none)")
    parser.add_argument("--crlf", action="store_true", help="end event lines with CRLF")
    parser.add_argument("--ping", action="store_true", help="send a comment before every event")
    parser.add_argument("--no-usage", action="store_true", help="send no token counts")
    options = parser.parse_args(arguments)
    usual = Behaviour(delay_ms=options.delay_ms, crlf=options.crlf, ping=options.ping, usage=not options.no_usage)
    service = GlmService(usual)
    return run_server(service.serve, options.port, options.exit_with_parent, {}, "chatglm_server")


if __name__ == "__main__":
    sys.exit(main())
