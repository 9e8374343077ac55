"""Amazon Nova: a body in Converse's words, with files in base64 where Converse has bytes.

Source: Amazon's Nova user guide, request schema and response streams. Extras that are settings of inference (`topP`,
`topK`, `reasoningConfig`, ...) go where the others are.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from ....messages import HumanMessage, tool_call, tool_call_chunk
from ..converse.messages import wire_messages
from ..converse.tools import wire_tool, wire_tool_choice
from ..counting import usage_from_converse, usage_from_headers
from ..shapes import count, object_of, text_of
from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .documents import latency_in, merged, reason_in
from .families import Family

__all__ = ["Nova", "NovaDecoder"]

_ABOVE = frozenset({"schemaVersion", "messages", "system", "inferenceConfig", "toolConfig"})


class Nova(Family):
    """Amazon Nova."""

    name = "amazon nova"
    takes_messages = True
    takes_tools = True
    stop_key = "stopSequences"
    reason_keys = ("stopReason",)

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.

        Raises:
            InvalidInputError: If a message or tool has no form there.
        """
        config: dict[str, Any] = self.stop_entry(ask)
        if ask.max_tokens is not None:
            config["maxTokens"] = ask.max_tokens
        if ask.temperature is not None:
            config["temperature"] = ask.temperature
        above: dict[str, Any] = {}
        for key, value in ask.extra.items():
            (above if key in _ABOVE or key.startswith("amazon-") else config)[key] = value
        messages, system = wire_messages(ask.messages or [] if ask.prompt is None else [HumanMessage(ask.prompt)])
        body: dict[str, Any] = {"schemaVersion": "messages-v1", "messages": _as_text(messages)}
        if system:
            body["system"] = _as_text(system)
        if config:
            body["inferenceConfig"] = config
        if ask.tools:
            tools = [wire_tool(tool) for tool in ask.tools]
            choice = wire_tool_choice(ask.tool_choice, tools)
            body["toolConfig"] = {"tools": tools, **({"toolChoice": choice} if choice else {})}
        return merged(body, above)

    def parse(self, body: Any, headers: Mapping[str, Any] | None = None, *, reason_key: str | None = None) -> Answer:
        """Return what an answer says.

        Args:
            body: The answer's JSON.
            headers: Its headers, with names in lower case.
            reason_key: Where the user says that it tells why it ended.

        Raises:
            BedrockError: If the answer is no JSON object.
        """
        found, known = self.checked(body), headers or {}
        entries = object_of(object_of(found.get("output")).get("message")).get("content")
        given = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
        text = "".join(str(entry["text"]) for entry in given if isinstance(entry.get("text"), str))
        calls = [object_of(entry["toolUse"]) for entry in given if "toolUse" in entry]
        is_plain = all("text" in entry for entry in given)
        metrics = object_of(found.get("metrics"))
        return Answer(
            text=text,
            content=text if is_plain else [_shown(entry) for entry in given],
            tool_calls=[
                tool_call(
                    name=text_of(c.get("name")) or "",
                    args=dict(object_of(c.get("input"))),
                    id=text_of(c.get("toolUseId")),
                )
                for c in calls
            ],
            stop_reason=reason_in(found, reason_key, *self.reason_keys),
            usage=usage_from_converse(found.get("usage")) or usage_from_headers(known),
            latency_ms=latency_in(known) or count(metrics.get("latencyMs")),
        )

    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks.
        """
        return NovaDecoder((reason_key, *self.reason_keys), as_blocks=as_blocks)


class NovaDecoder(Decoder):
    """One streamed answer: each document is an object whose one key is an event of Converse."""

    def reason_of(self, payload: Mapping[str, Any]) -> str | None:
        """Return why the answer ends, which a `messageStop` says.

        Args:
            payload: The document.
        """
        return reason_in(object_of(payload.get("messageStop")), *self.reason_keys) or super().reason_of(payload)

    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces that a document holds.

        Args:
            payload: The document.
        """
        opened, grown = object_of(payload.get("contentBlockStart")), object_of(payload.get("contentBlockDelta"))
        call = object_of(object_of(opened.get("start")).get("toolUse"))
        if call:
            place, name, own_id = _place(opened), text_of(call.get("name")), text_of(call.get("toolUseId"))
            block = {"type": "tool_use", "name": name, "id": own_id, "index": place}
            yield self._other(block, tool_call_chunk(name=name, id=own_id, index=place))
        delta, place = object_of(grown.get("delta")), _place(grown)
        yield from self.text_piece(delta.get("text"), place)
        arguments = object_of(delta.get("toolUse")).get("input")
        if isinstance(arguments, str):
            block = {"type": "tool_use", "input": arguments, "index": place}
            yield self._other(block, tool_call_chunk(args=arguments, index=place))
        reasoning = _reasoning(object_of(delta.get("reasoningContent")))
        if reasoning:
            yield self._other({"type": "reasoning_content", "reasoning_content": reasoning, "index": place})
        self.has_ended = self.has_ended or "messageStop" in payload
        told = object_of(payload.get("metadata"))
        self.counted(usage_from_converse(told.get("usage")))
        latency = count(object_of(told.get("metrics")).get("latencyMs"))
        self.latency_ms = self.latency_ms if latency is None else latency

    def _other(self, block: dict[Any, Any], *calls: Any) -> Piece:
        self.as_blocks = True
        return Piece(content=[block], tool_call_chunks=list(calls))


def _place(event: Mapping[str, Any]) -> int:
    return count(event.get("contentBlockIndex")) or 0


def _reasoning(given: Mapping[str, Any]) -> dict[str, Any]:
    told = object_of(given.get("reasoningText", given))
    return {key: told[key] for key in ("text", "signature") if isinstance(told.get(key), str)}


def _shown(entry: Mapping[str, Any]) -> dict[Any, Any]:
    if "text" in entry:
        return {"type": "text", "text": entry["text"]}
    if "toolUse" in entry:
        call = object_of(entry["toolUse"])
        return {"type": "tool_use", "name": call.get("name"), "input": call.get("input"), "id": call.get("toolUseId")}
    if "reasoningContent" in entry:
        return {"type": "reasoning_content", "reasoning_content": _reasoning(object_of(entry["reasoningContent"]))}
    return dict(entry)


def _as_text(value: Any) -> Any:
    """Return a value with bytes in base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _as_text(part) for key, part in value.items()}
    return [_as_text(part) for part in value] if isinstance(value, list) else value
