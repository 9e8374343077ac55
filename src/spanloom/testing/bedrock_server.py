"""A server that speaks Bedrock's protocol to real AWS clients, for tests and demonstrations, as a process of its own.

    with bedrock_server() as server:
        server.fail("converse", code="ThrottlingException", times=2)
        client = boto3.client("bedrock-runtime", endpoint_url=server.url, **server.credentials)
        ...
        assert [seen.signature for seen in server.requests()] == ["valid"] * 3

One port serves bedrock-runtime (InvokeModel, InvokeModelWithResponseStream, Converse, ConverseStream, CountTokens,
ApplyGuardrail), bedrock-agent-runtime (Retrieve) and a little of bedrock (inference profiles, foundation models).
Signatures are checked by code that shares nothing with the AWS libraries, and wrong ones are refused as AWS does.

A request that no test ordered otherwise gets a built-in answer, made from its last user text and never random:
sentences of the context that share most words with the question, else an echo of its key words; tokens are words; a
text that says `call weather` calls the tool `weather` when it was offered. InvokeModel answers in the format of the
model's family.

By hand: `python -m spanloom.testing.bedrock_server --port 8080`; the first line of output is a JSON object with the
server's `url` and `credentials`. Only the standard library is used. Being a process of its own, it takes no time from
the event loop, nor the interpreter lock, of the program under test. Nothing here was compared with AWS itself.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ._bedrock_script import SeenRequest
from ._bedrock_service import BedrockService
from ._bedrock_signatures import Keyring
from ._server_process import ServerProcess, add_process_arguments, run_server

__all__ = ["BedrockServer", "SeenRequest", "bedrock_server", "main"]

_ACCESS_KEY = "AKIDSPANLOOMTESTKEY0"
_SECRET_KEY = "spanloom/test/secret/key/of/no/account00"
_REGION = "us-east-1"


class BedrockServer:
    """A Bedrock server in a child process, running from construction until `close`.

    The child ends when this object is closed or collected, when the program ends, and when the program is killed.

    Args:
        gap_s: Seconds before each token of a built-in stream but the first; a whole answer waits for all its tokens.
        refuse_invalid_signatures: Answer 403 to requests whose signature is wrong or missing. Otherwise they are
            answered, and only noted as wrong.
        port: The port; 0 takes a free one.

    Raises:
        RuntimeError: If the server does not start within 20 seconds, or its port is taken.
    """

    def __init__(self, *, gap_s: float = 0.0, refuse_invalid_signatures: bool = True, port: int = 0) -> None:
        arguments = ["--port", str(port), "--gap-s", str(gap_s)]
        if not refuse_invalid_signatures:
            arguments.append("--any-signature")
        self._process = ServerProcess("spanloom.testing.bedrock_server", arguments)
        self.pid = self._process.pid
        """The child's process id."""

    @property
    def url(self) -> str:
        """The server's address without a trailing slash, for `endpoint_url`; also after `close`."""
        return self._process.url

    @property
    def credentials(self) -> dict[str, str]:
        """Constructor arguments that a boto3 client or a model of this library takes: a key, its secret, a region."""
        return _credentials()

    def environment(self) -> dict[str, str]:
        """Return environment variables with which any AWS client finds this server and its credentials."""
        return {
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET_KEY,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_REGION": _REGION,
            "AWS_ENDPOINT_URL_BEDROCK": self.url,
            "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME": self.url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.url,
        }

    def script(self, operation: str, behaviour: Mapping[str, Any], *, times: int | None = 1) -> None:
        """Order how the next requests of an operation are answered; further ones get built-in answers.

        Keys of a behaviour, which may be combined: `status`, `code`, `message`, `retry_after_s` (an error); `headers`;
        `json` or `body` (the answer, as JSON or as a text); `text` or `blocks` (what the model says, as a text or as
        content blocks of Converse; the built-in answer in the operation's and the family's own form); `events`,
        `gap_s`, `together`, `split`, `fault`, `at` (see `stream`); `head_s` (seconds before the answer begins);
        `connection` (before the answer `close` it, `reset` it, or keep it `idle`; or `cut` it in mid-answer).

        Args:
            operation: The name of boto3's method, such as `converse`.
            behaviour: The behaviour; `{}` is the built-in answer, so that later orders meet later requests.
            times: How many requests get it. None: all that no other order is for, until `reset`.

        Raises:
            ValueError: If the operation is unknown or the behaviour is not valid.
        """
        order = {"operation": operation, "behaviour": dict(behaviour), "times": times}
        self._process.ask("POST", "/__script", order)

    def answer(
        self, operation: str, json: Any, *, headers: Mapping[str, str] | None = None, times: int | None = 1
    ) -> None:
        """Order a JSON answer.

        Args:
            operation: The name of boto3's method.
            json: The answer's body, sent as it is; bytes in it are sent in base64.
            headers: Headers of the answer.
            times: How many requests get it; None is all.

        Raises:
            ValueError: If the operation is unknown.
        """
        self.script(operation, {"json": json, "headers": dict(headers or {})}, times=times)

    def fail(
        self,
        operation: str,
        *,
        code: str = "ThrottlingException",
        status: int | None = None,
        message: str | None = None,
        retry_after_s: float | None = None,
        details: Mapping[str, Any] | None = None,
        times: int | None = 1,
    ) -> None:
        """Order an error answer, as `x-amzn-ErrorType` and a JSON message.

        Args:
            operation: The name of boto3's method.
            code: The error's name.
            status: The HTTP status; by default that of the service's model for the name.
            message: The error's text.
            retry_after_s: Seconds of a `Retry-After` header.
            details: Further members of the error, such as `originalStatusCode`.
            times: How many requests get it; None is all.

        Raises:
            ValueError: If the operation is unknown or a value is not valid.
        """
        given: dict[str, Any] = {"code": code, "status": status, "message": message, "retry_after_s": retry_after_s}
        given["json"] = None if details is None else dict(details)
        self.script(operation, {key: value for key, value in given.items() if value is not None}, times=times)

    def stream(
        self,
        operation: str,
        events: Sequence[tuple[str, Any]] | None = None,
        *,
        gap_s: float | None = None,
        head_s: float = 0.0,
        together: int = 1,
        split: int | Sequence[int] | None = None,
        fault: str | tuple[str, Any] | None = None,
        at: int | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = 1,
    ) -> None:
        """Order a stream.

        An event is a pair of its name and payload. A `chunk` may hold a provider's JSON document instead of `bytes`. A
        name that ends with `Exception` is sent as that exception and ends the stream. These pairs are orders:
        `("!pause", seconds)`; `("!gate", name)` waits for `open_gate(name)`; `("!error", {"code", "message"})` an error
        that no model names; `("!end", None)` ends the answer here; `("!close", None)` and `("!reset", None)` break the
        connection without ending the answer; `("!idle", None)` sends nothing until the client leaves;
        `("!truncate", None)` cuts the next frame in half and ends the answer; `("!crc", None)` spoils its checksum.

        Args:
            operation: `converse_stream` or `invoke_model_with_response_stream`.
            events: The events; by default those of the built-in answer.
            gap_s: Seconds before each token (`contentBlockDelta`, `chunk`) but the first; by default the server's.
            head_s: Seconds before the answer begins.
            together: How many frames go into one chunk of HTTP.
            split: Cut what is sent at once after every so many bytes, or at these positions (negative: from its end).
            fault: An order without its `!`, or an exception's name, or either with its value, put among the events.
            at: How many events stand before the fault; by default half of them.
            headers: Headers of the answer.
            times: How many requests get it; None is all.

        Raises:
            ValueError: If the operation is unknown or a value is not valid.
        """
        given = {
            "events": None if events is None else [list(event) for event in events],
            "gap_s": gap_s,
            "head_s": head_s,
            "together": together,
            "split": list(split) if isinstance(split, Sequence) else split,
            "fault": list(fault) if isinstance(fault, tuple) else fault,
            "at": at,
            "headers": None if headers is None else dict(headers),
        }
        self.script(operation, {key: value for key, value in given.items() if value is not None}, times=times)

    def open_gate(self, name: str) -> None:
        """Let streams pass the order `("!gate", name)`, those that wait and those that come.

        Args:
            name: The gate's name.
        """
        self._process.ask("POST", "/__gate", name)

    def guardrail(
        self,
        id: str,
        version: str = "1",
        *,
        blocked_words: Sequence[str] = (),
        masked: Mapping[str, str] | None = None,
        topics: Mapping[str, Sequence[str]] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        blocked_message: str = "Sorry, the model cannot answer this question.",
        blocked_output_message: str | None = None,
    ) -> None:
        """Set up a guardrail, applied to the built-in answers of requests that name it; answers in full are sent as is.

        Args:
            id: Its id.
            version: Its version, digits or `DRAFT`.
            blocked_words: Words that block.
            masked: Regular expressions, with what replaces their matches, such as `{EMAIL}`.
            topics: Names of denied topics, with the words that tell them.
            filters: Types of harmful content, such as `VIOLENCE`, with the words that tell them.
            blocked_message: What is said in place of blocked content.
            blocked_output_message: What is said in place of blocked output, if something else.

        Raises:
            ValueError: If a pattern is not a regular expression.
        """
        given: dict[str, Any] = {
            "id": id,
            "version": version,
            "blocked_words": list(blocked_words),
            "masked": dict(masked or {}),
        }
        given |= {"topics": dict(topics or {}), "filters": dict(filters or {})}
        given |= {"blocked_message": blocked_message, "blocked_output_message": blocked_output_message}
        self._process.ask("POST", "/__guardrail", given)

    def accept(
        self,
        *,
        aws_access_key_id: str = _ACCESS_KEY,
        aws_secret_access_key: str = _SECRET_KEY,
        aws_session_token: str | None = None,
        bearer: str | None = None,
        expired: bool = False,
    ) -> None:
        """Make the server know a key, or change what it knows of one, until `reset`.

        Args:
            aws_access_key_id: An access key; by default that of `credentials`.
            aws_secret_access_key: Its secret.
            aws_session_token: The session token that must come with it.
            bearer: A Bedrock API key, in place of an access key.
            expired: Refuse it as expired.
        """
        given = {
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "bearer": bearer,
            "expired": expired,
        }
        self._process.ask("POST", "/__keys", given)

    def requests(self, wait_s: float = 2.0) -> list[SeenRequest]:
        """Return every request seen so far, oldest first.

        Args:
            wait_s: Wait at most this many seconds for answers in progress to end, so that a client that has just gone
                away is told as gone. A request still in progress then says so.
        """
        return [SeenRequest(**seen) for seen in self._process.ask("GET", f"/__requests?wait_s={wait_s}")]

    def connections(self, expected: int | None = None, *, wait_s: float = 2.0) -> int:
        """Return how many connections of clients are open now.

        Args:
            expected: Wait until it is this many.
            wait_s: Wait at most this many seconds.
        """
        query = f"?wait_s={wait_s}&expected={expected}" if expected is not None else ""
        return int(self._process.ask("GET", f"/__connections{query}"))

    def reset(self) -> None:
        """Forget requests, orders, gates, guardrails and keys of tests; answers still in progress are broken off."""
        self._process.ask("POST", "/__reset", {})

    def close(self) -> None:
        """End the server and wait until its process is gone. May be called again."""
        self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def bedrock_server(*, gap_s: float = 0.0, refuse_invalid_signatures: bool = True, port: int = 0) -> BedrockServer:
    """Return a running Bedrock server, to be used with `with`.

    Args:
        gap_s: Seconds before each token of a built-in stream but the first.
        refuse_invalid_signatures: Answer 403 to requests whose signature is wrong or missing.
        port: The port; 0 takes a free one.

    Raises:
        RuntimeError: If the server does not start within 20 seconds, or its port is taken.
    """
    return BedrockServer(gap_s=gap_s, refuse_invalid_signatures=refuse_invalid_signatures, port=port)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server in this process until it is interrupted; return the exit code.

    Args:
        arguments: Command line arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m spanloom.testing.bedrock_server", description="A Bedrock server.")
    add_process_arguments(parser, 8080)
    parser.add_argument("--gap-s", type=float, default=0.0, help="before each token (default: none)")
    parser.add_argument("--any-signature", action="store_true", help="answer requests whose signature is wrong, too")
    options = parser.parse_args(arguments)
    keyring = Keyring()
    keyring.add(_ACCESS_KEY, _SECRET_KEY)
    service = BedrockService(keyring, gap_s=options.gap_s, refuses=not options.any_signature)
    facts = {"credentials": _credentials()}
    return run_server(service.serve, options.port, options.exit_with_parent, facts, "bedrock_server")


def _credentials() -> dict[str, str]:
    return {
        "aws_access_key_id": _ACCESS_KEY,
        "aws_secret_access_key": _SECRET_KEY,
        "region_name": _REGION,
    }


if __name__ == "__main__":
    sys.exit(main())
