"""What the ChatGLM test server answers: the classic protocol, the OpenAI-style one, and the paths that tests use."""

import asyncio
import json
import time
from collections import deque
from typing import Any

from ._answers import answer_messages, answer_prompt, tokens_of
from ._glm_script import Behaviour, SeenRequest
from ._http import (
    ClientReader,
    HttpRequest,
    RequestError,
    chunk,
    client_is_gone,
    head,
    json_answer,
    pause,
    read_request,
)

__all__ = ["GlmService"]

_CLASSIC_DEFAULTS = {"max_length": 2048, "top_p": 0.7, "temperature": 0.95}
_CHAT_DEFAULTS = {"max_tokens": 2048, "top_p": 0.8, "temperature": 0.8}
_MODEL = "chatglm3-6b"
_LONGEST_WAIT_S = 30.0


class GlmService:
    """The state of one server: how it behaves, what it was ordered to do next, what it saw.

    Args:
        behaviour: How requests without an order are answered.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._script: deque[Behaviour] = deque()
        self._seen: list[SeenRequest] = []

    async def serve(self, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side closes it; never raises for what a client does.

        Args:
            reader: The connection's reader.
            writer: Its writer.
        """
        try:
            while request := await read_request(reader, writer):
                exchange = _Exchange(self, request, reader, writer)
                if not await exchange.answer() or not request.keep_alive:
                    break
        except RequestError as err:
            body = json_answer({"detail": str(err)})
            writer.write(head(err.status, "application/json", length=len(body), extra={"Connection": "close"}) + body)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def next_behaviour(self, request: HttpRequest) -> Behaviour:
        """Return how to answer this request: its own header's order, else the next scripted one, else the usual.

        Args:
            request: The request; `X-Script` may hold an order as JSON.

        Raises:
            ValueError: If the header holds no valid order.
        """
        if "x-script" in request.headers:
            return self._behaviour.ordered(json.loads(request.headers["x-script"]))
        return self._script.popleft() if self._script else self._behaviour

    def extend_script(self, orders: Any) -> int:
        """Append orders for the next requests, in order; return how many now wait.

        Args:
            orders: A list of JSON objects.

        Raises:
            ValueError: If one of them is not valid; then none is taken.
        """
        if not isinstance(orders, list):
            raise ValueError(f"a script is a list of behaviours, not {orders!r}")  # noqa: TRY004 - it is JSON from outside
        self._script.extend([self._behaviour.ordered(order) for order in orders])
        return len(self._script)

    def reset(self) -> None:
        """Forget the script and every request seen."""
        self._script.clear()
        self._seen.clear()

    def note(self, request: HttpRequest) -> SeenRequest:
        """Return a new entry for a request, kept in the order of arrival.

        Args:
            request: The request.
        """
        try:
            body = request.json()
        except ValueError:
            body = None
        text = request.body.decode("utf-8", "replace")
        seen = SeenRequest(len(self._seen) + 1, request.method, request.path, request.headers, text, body)
        self._seen.append(seen)
        return seen

    async def report(self, wait_s: float) -> list[dict[str, Any]]:
        """Return every request seen, as JSON objects.

        Args:
            wait_s: Wait at most this long for answers in progress to end.
        """
        end = time.monotonic() + min(wait_s, _LONGEST_WAIT_S)
        # Looking beats being told by every way in which an answer may end.
        while time.monotonic() < end and any(s.outcome == "in progress" for s in self._seen):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return [seen.to_json() for seen in self._seen]


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, service: GlmService, request: HttpRequest, reader: ClientReader, writer: asyncio.StreamWriter
    ) -> None:
        self._service = service
        self._request = request
        self._reader = reader
        self._writer = writer
        self._behaviour = Behaviour()

    async def answer(self) -> bool:
        """Answer; return whether the connection is still good for another request."""
        method, path = self._request.method, self._request.path
        if path.startswith("/__"):
            return await self._answer_test(method, path)
        if (method, path) == ("GET", "/health"):
            return await self._send(200, {"status": "ok"})
        if (method, path) == ("GET", "/v1/models"):
            model = {"id": _MODEL, "object": "model", "created": 0, "owned_by": "spanloom"}
            return await self._send(200, {"object": "list", "data": [model]})
        if path not in ("/", "/v1/chat/completions"):
            return await self._send(404, {"detail": "Not Found"})
        if method != "POST":
            return await self._send(405, {"detail": "Method Not Allowed"})
        seen = self._service.note(self._request)
        try:
            usable = await self._answer_model(seen, path)
        except ConnectionError:
            usable = False
        if seen.outcome == "in progress":
            seen.outcome = "answered" if usable else "client left"
        return usable

    async def _answer_test(self, method: str, path: str) -> bool:
        try:
            if (method, path) == ("GET", "/__requests"):
                return await self._send(200, await self._service.report(float(self._request.query.get("wait_s", "0"))))
            if (method, path) == ("POST", "/__script"):
                return await self._send(200, {"waiting": self._service.extend_script(self._request.json())})
            if (method, path) == ("POST", "/__reset"):
                self._service.reset()
                return await self._send(200, {})
        except ValueError as err:
            return await self._send(400, {"detail": str(err)})
        return await self._send(404, {"detail": "Not Found"})

    async def _answer_model(self, seen: SeenRequest, path: str) -> bool:
        try:
            self._behaviour = order = self._service.next_behaviour(self._request)
        except ValueError as err:
            return await self._send(400, {"detail": f"X-Script: {err}"}, seen)
        if order.hang_s and not await pause(order.hang_s, self._reader, self._writer):
            return False
        if order.has_json:
            return await self._send(order.status or 200, order.json, seen)
        if order.body is not None:
            return await self._send_bytes(order.status or 200, "application/json", order.body.encode(), seen)
        if order.status is not None and order.status != 200:
            return await self._crash(seen, order.status)
        return await (self._answer_classic(seen) if path == "/" else self._answer_chat(seen))

    async def _crash(self, seen: SeenRequest, status: int = 500) -> bool:
        return await self._send_bytes(status, "text/plain; charset=utf-8", b"Internal Server Error", seen)

    async def _answer_classic(self, seen: SeenRequest) -> bool:
        asked = seen.json
        if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
            return await self._crash(seen)
        seen.settings = {name: asked.get(name) or default for name, default in _CLASSIC_DEFAULTS.items()}
        history = asked.get("history") or []
        limit = seen.settings["max_length"]
        if not isinstance(history, list) or not isinstance(limit, int):
            return await self._crash(seen)
        tokens = self._tokens(answer_prompt(asked["prompt"]))[: max(limit, 0)]
        if not await pause(self._behaviour.delay_ms / 1000 * len(tokens), self._reader, self._writer):
            return False
        response = "".join(tokens)
        answer = {
            "response": response,
            "history": [*history, [asked["prompt"], response]],
            "status": 200,
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        return await self._send(200, answer, seen)

    async def _answer_chat(self, seen: SeenRequest) -> bool:
        asked = seen.json
        messages = asked.get("messages") if isinstance(asked, dict) else None
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            return await self._send(400, {"detail": "messages must be a list of messages, at least one"}, seen)
        if messages[-1].get("role") == "assistant":
            return await self._send(400, {"detail": "Invalid request: the last message is the assistant's"}, seen)
        seen.settings = {name: asked.get(name) or default for name, default in _CHAT_DEFAULTS.items()}
        if not isinstance(seen.settings["max_tokens"], int):
            return await self._send(400, {"detail": "max_tokens must be a whole number"}, seen)
        whole = self._tokens(answer_messages(messages))
        tokens = whole[: max(seen.settings["max_tokens"], 0)]
        answer = _ChatAnswer(seen.number, str(asked.get("model") or _MODEL), messages, tokens, len(tokens) < len(whole))
        if asked.get("stream"):
            options = asked.get("stream_options")
            with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
            return await self._stream(seen, answer, with_usage and self._behaviour.usage)
        if not await pause(self._behaviour.delay_ms / 1000 * len(tokens), self._reader, self._writer):
            return False
        return await self._send(200, answer.whole(self._behaviour.usage), seen)

    def _tokens(self, text: str) -> list[str]:
        return tokens_of(text) if self._behaviour.tokens is None else list(self._behaviour.tokens)

    async def _stream(self, seen: SeenRequest, answer: "_ChatAnswer", with_usage: bool) -> bool:
        seen.status = 200
        self._writer.write(head(200, "text/event-stream; charset=utf-8", length=None))
        await self._event(json_answer(answer.piece({"role": "assistant", "content": ""})))
        count = len(answer.tokens)
        drop_after = count // 2 if self._behaviour.after_tokens is None else self._behaviour.after_tokens
        for sent, token in enumerate(answer.tokens):
            if self._behaviour.close and sent >= drop_after:
                return self._drop(seen)
            if not await pause(self._behaviour.delay_ms / 1000, self._reader, self._writer):
                return False
            await self._event(json_answer(answer.piece({"content": token})))
            seen.tokens_sent = sent + 1
        if self._behaviour.close:
            return self._drop(seen)
        await self._event(json_answer(answer.piece({}, "length" if answer.is_cut else "stop")))
        if with_usage:
            await self._event(json_answer(answer.usage_piece()))
        await self._event(b"[DONE]")
        self._writer.write(chunk(b""))
        await self._writer.drain()
        seen.outcome = "answered"
        return not client_is_gone(self._reader, self._writer)

    async def _event(self, data: bytes) -> None:
        end = b"\r\n" if self._behaviour.crlf else b"\n"
        comment = b": ping" + end + end if self._behaviour.ping else b""
        self._writer.write(chunk(comment + b"data: " + data + end + end))
        await self._writer.drain()

    def _drop(self, seen: SeenRequest) -> bool:
        seen.outcome = "dropped"
        return False

    async def _send(self, status: int, value: Any, seen: SeenRequest | None = None) -> bool:
        return await self._send_bytes(status, "application/json", json_answer(value), seen)

    async def _send_bytes(self, status: int, content_type: str, body: bytes, seen: SeenRequest | None) -> bool:
        first = head(status, content_type, length=len(body))
        if seen is not None:
            seen.status = status
            if self._behaviour.close:
                self._writer.write(first + body[: len(body) // 2])
                return self._drop(seen)
        self._writer.write(first + body)
        await self._writer.drain()
        if seen is not None:
            seen.outcome = "answered"
        return not self._writer.is_closing()


class _ChatAnswer:
    """The shapes of an OpenAI-style answer."""

    def __init__(
        self, number: int, model: str, messages: list[dict[str, Any]], tokens: list[str], is_cut: bool
    ) -> None:
        self.tokens = tokens
        self.is_cut = is_cut
        self._common = {"id": f"chatcmpl-{number}", "created": int(time.time()), "model": model}
        prompt_tokens = sum(len(tokens_of(str(message.get("content") or ""))) for message in messages)
        self._usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": len(tokens),
            "total_tokens": prompt_tokens + len(tokens),
        }

    def whole(self, with_usage: bool) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": "length" if self.is_cut else "stop"}
        answer = {**self._common, "object": "chat.completion", "choices": [choice]}
        return {**answer, "usage": self._usage} if with_usage else answer

    def piece(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**self._common, "object": "chat.completion.chunk", "choices": [choice]}

    def usage_piece(self) -> dict[str, Any]:
        return {**self._common, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}
