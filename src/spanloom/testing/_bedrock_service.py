"""The Bedrock test server: its state, the paths that tests use, and one request with its answer."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ._bedrock_guardrail import Guardrail
from ._bedrock_operations import Answer, Asked, answer_of
from ._bedrock_script import OPERATIONS, STATUS_OF, STREAMS, Behaviour, Refusal, Route, SeenRequest, route_of
from ._bedrock_sender import ClientLeftError, Connection, EventSender, Gates
from ._bedrock_signatures import Keyring, Verdict
from ._http import ClientReader, HttpRequest, RequestError, head, json_answer, read_request

__all__ = ["BedrockService"]

_LONGEST_WAIT_S = 30.0
_KEPT = 10_000
"""Of more requests than these the oldest are forgotten, so that a server for demonstrations may run for days."""
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_CODE_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
"""What AWS puts after the error's name in x-amzn-ErrorType."""


class BedrockService:
    """The state of one server: what it was ordered to do, which keys and guardrails it knows, what it saw.

    Args:
        keyring: The keys it knows.
        gap_s: The wait before each token of a built-in answer.
        refuses: Whether requests with a wrong signature, or none, are refused.
    """

    def __init__(self, keyring: Keyring, *, gap_s: float = 0.0, refuses: bool = True) -> None:
        self._own_keys = keyring
        self._keyring = keyring.copy()
        self._refuses = refuses
        self._connections: dict[int, Connection] = {}
        self._connected = 0
        self.gap_s = gap_s
        self.gates = Gates()
        self.guardrails: dict[tuple[str, str], Guardrail] = {}
        self._script: dict[str, deque[Behaviour]] = {}
        self._always: dict[str, Behaviour] = {}
        self._seen: deque[SeenRequest] = deque(maxlen=_KEPT)
        self._numbered = 0

    async def serve(self, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side closes it; never raises for what a client does.

        Args:
            reader: The connection's reader.
            writer: Its writer.
        """
        self._connected += 1
        connection = Connection(self._connected, reader, writer)
        self._connections[connection.number] = connection
        try:
            while request := await read_request(reader, writer):
                if not await _Exchange(self, request, connection).answer() or not request.keep_alive:
                    break
        except RequestError as err:
            body = json_answer({"message": str(err)})
            writer.write(head(err.status, "application/json", length=len(body), extra={"Connection": "close"}) + body)
        except (ClientLeftError, ConnectionError):
            pass
        finally:
            del self._connections[connection.number]
            writer.close()

    def check(self, request: HttpRequest) -> tuple[Verdict, bool]:
        """Return what a request's signature is worth, and whether the request is let in.

        Args:
            request: The request.
        """
        verdict = self._keyring.check(request)
        return verdict, verdict.code is None or not self._refuses

    def next_behaviour(self, operation: str) -> Behaviour:
        """Return how to answer the next request of an operation.

        Args:
            operation: The operation.
        """
        waiting = self._script.get(operation)
        return waiting.popleft() if waiting else self._always.get(operation, Behaviour())

    def note(self, request: HttpRequest, route: Route, connection: int) -> SeenRequest:
        """Return a new entry for a request, kept in the order of arrival.

        Args:
            request: The request.
            route: What it asks for.
            connection: The number of its connection.
        """
        try:
            body = request.json() if request.body else None
        except ValueError:
            body = None
        text = request.body.decode("utf-8", "replace")
        self._numbered += 1
        seen = SeenRequest(
            self._numbered,
            route.operation,
            request.method,
            request.path,
            list(route.ids),
            request.headers,
            text,
            body,
            connection,
        )
        self._seen.append(seen)
        return seen

    async def obey(self, path: str, request: HttpRequest, asking: Connection) -> Any:
        """Return the answer to what a test asks; None when there is no such path.

        Args:
            path: What follows `/__`.
            request: The request.
            asking: Its connection.

        Raises:
            ValueError: If what is asked is not valid.
        """
        asking.is_of_test = True
        wait_s = min(float(request.query.get("wait_s", "0")), _LONGEST_WAIT_S)
        if path == "requests":
            await _until(lambda: all(seen.outcome != "in progress" for seen in self._seen), wait_s)
            return [seen.to_json() for seen in self._seen]
        if path == "connections":
            expected = request.query.get("expected")
            await _until(lambda: expected is None or self._open() == int(expected), wait_s)
            return self._open()
        if path == "reset":
            self._reset()
            return {}
        asked = request.json()
        if path == "script":
            self._order(asked)
        elif path == "guardrail":
            guardrail = Guardrail.of(asked)
            self.guardrails[guardrail.id, guardrail.version] = guardrail
        elif path == "keys":
            self._know(asked)
        elif path == "gate":
            self.gates.open(str(asked))
        else:
            return None
        return {}

    def _open(self) -> int:
        return sum(not connection.is_of_test for connection in self._connections.values())

    def _reset(self) -> None:
        """Forget what tests did. Streams that still wait are broken off, so that none outlives its test."""
        busy = {seen.connection for seen in self._seen if seen.outcome == "in progress"}
        for connection in [self._connections[number] for number in busy & self._connections.keys()]:
            connection.reset()
        self._script.clear()
        self._always.clear()
        self.guardrails.clear()
        self._seen.clear()
        self._numbered = 0
        self._keyring = self._own_keys.copy()
        self.gates = Gates()

    def _order(self, asked: Mapping[str, Any]) -> None:
        operation, times = asked["operation"], asked["times"]
        if operation not in OPERATIONS:
            raise ValueError(f"unknown operation {operation!r}; the known ones are {', '.join(OPERATIONS)}")
        behaviour = Behaviour().ordered(asked["behaviour"])
        if behaviour.events is not None and operation not in STREAMS:
            raise ValueError(
                f"{operation!r} answers with JSON, not with events; streams are {', '.join(sorted(STREAMS))}"
            )
        if times is None:
            self._always[operation] = behaviour
        else:
            self._script.setdefault(operation, deque()).extend([behaviour] * times)

    def _know(self, asked: Mapping[str, Any]) -> None:
        if asked.get("bearer") is not None:
            self._keyring.add_bearer(asked["bearer"], expired=asked["expired"])
        else:
            self._keyring.add(
                asked["aws_access_key_id"],
                asked["aws_secret_access_key"],
                asked["aws_session_token"],
                expired=asked["expired"],
            )


async def _until(is_reached: Callable[[], bool], wait_s: float) -> None:
    end = time.monotonic() + wait_s
    # Looking beats being told by every way in which an answer may end.
    while time.monotonic() < end and not is_reached():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


class _Exchange:
    """One request and its answer."""

    def __init__(self, service: BedrockService, request: HttpRequest, connection: Connection) -> None:
        self._service = service
        self._request = request
        self._connection = connection
        self._headers: dict[str, str] = {}

    async def answer(self) -> bool:
        """Answer; return whether the connection is still good for another request."""
        path = self._request.path
        if path.startswith("/__"):
            return await self._answer_test(path[3:])
        route = route_of(self._request.method, path)
        if route is None:
            return await self._send(404, {"message": f"Unknown operation {self._request.method} {path}"}, None)
        seen = self._service.note(self._request, route, self._connection.number)
        self._headers = {"x-amzn-RequestId": f"{seen.number:08x}-0000-4000-8000-{self._connection.number:012x}"}
        try:
            usable = await self._answer_model(seen, route)
        except (ClientLeftError, ConnectionError):
            seen.client_left_after, usable = seen.sent_events, False
            seen.outcome = "client left"
        if seen.outcome == "in progress":
            seen.outcome = "answered" if usable else "faulted"
        return usable

    async def _answer_test(self, path: str) -> bool:
        try:
            answer = await self._service.obey(path, self._request, self._connection)
        except (ValueError, KeyError, TypeError) as err:
            return await self._send(400, {"detail": str(err)}, None)
        return await self._send(
            200 if answer is not None else 404, {"detail": "Not Found"} if answer is None else answer, None
        )

    async def _answer_model(self, seen: SeenRequest, route: Route) -> bool:
        verdict, is_let_in = self._service.check(self._request)
        seen.signature = verdict.text
        if not is_let_in:
            return await self._refuse(seen, verdict.code or "", verdict.message, 403)
        order = self._service.next_behaviour(route.operation)
        self._headers |= order.headers or {}
        await self._connection.wait(order.head_s)
        if order.connection is not None and order.connection != "cut":
            return await self._drop(seen, order.connection)
        if order.code is not None or (order.status is not None and order.status >= 400 and not _has_body(order)):
            return await self._fail(seen, order)
        if _has_body(order):
            body = json_answer(order.json) if order.body is None else order.body.encode()
            return await self._send_bytes(order.status or 200, body, seen, is_cut=order.connection == "cut")
        try:
            answer = self._made(seen, route, order)
        except Refusal as refusal:
            return await self._refuse(seen, refusal.code, str(refusal), refusal.status)
        self._headers = {**answer.headers, **self._headers}
        gap_s = self._service.gap_s if order.gap_s is None else order.gap_s
        if answer.events is None:
            await self._connection.wait(gap_s * answer.tokens)
            return await self._send_bytes(200, json_answer(answer.json), seen, is_cut=order.connection == "cut")
        seen.status = 200
        await self._connection.write(head(200, _EVENT_STREAM, length=None, extra=self._headers))
        return await EventSender(self._connection, seen, order, gap_s, self._service.gates).send(answer.events)

    def _made(self, seen: SeenRequest, route: Route, order: Behaviour) -> Answer:
        if order.events is not None:
            return Answer(events=list(order.events), headers={"X-Amzn-Bedrock-Content-Type": "application/json"})
        if self._request.method == "POST" and not isinstance(seen.json, dict):
            raise Refusal("SerializationException", "The request body is not a JSON object.")
        blocks = [{"text": order.text}] if order.text is not None else order.blocks
        return answer_of(Asked(route, self._request.headers, seen.json, self._service.guardrails, blocks))

    async def _fail(self, seen: SeenRequest, order: Behaviour) -> bool:
        code = order.code or next(
            (name for name, status in STATUS_OF.items() if status == order.status), "UnknownError"
        )
        if order.retry_after_s is not None:
            self._headers["Retry-After"] = f"{order.retry_after_s:g}"
        message = order.message or f"{code} ordered by a test"
        details = order.json if isinstance(order.json, dict) else {}
        return await self._refuse(seen, code, message, order.status or STATUS_OF.get(code, 400), details)

    async def _refuse(
        self, seen: SeenRequest, code: str, message: str, status: int, details: Mapping[str, Any] | None = None
    ) -> bool:
        self._headers = {"x-amzn-ErrorType": f"{code}{_CODE_SUFFIX}", **self._headers}
        return await self._send(status, {"message": message, **(details or {})}, seen)

    async def _drop(self, seen: SeenRequest, how: str) -> bool:
        if how == "idle":
            await self._connection.wait(None)
        seen.outcome = "faulted"
        if how == "reset":
            self._connection.reset()
        return False

    async def _send(self, status: int, value: Any, seen: SeenRequest | None) -> bool:
        return await self._send_bytes(status, json_answer(value), seen)

    async def _send_bytes(self, status: int, body: bytes, seen: SeenRequest | None, *, is_cut: bool = False) -> bool:
        first = head(status, "application/json", length=len(body), extra=self._headers)
        if seen is not None:
            seen.status, seen.outcome = status, "faulted" if is_cut else "answered"
        self._connection.writer.write(first + (body[: len(body) // 2] if is_cut else body))
        await self._connection.writer.drain()
        return not is_cut and not self._connection.writer.is_closing()


def _has_body(order: Behaviour) -> bool:
    return order.has_json or order.body is not None
