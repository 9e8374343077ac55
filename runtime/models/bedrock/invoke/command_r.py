"""Cohere Command R and R+: the last message apart from the history.

Source: Bedrock's guide to the parameters of Cohere Command R. What the system says is the preamble. A tool's answer
counts as the user's text; tools of the model's own form may be given as extras.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from ....messages import ToolCall, tool_call, tool_call_chunk
from ..counting import usage_from_headers
from ..shapes import object_of, objects_of, text_of
from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .documents import latency_in, merged, reason_in
from .families import Family
from .templates import turns

__all__ = ["CohereCommandR", "CohereCommandRDecoder"]


class CohereCommandR(Family):
    """Cohere Command R and R+."""

    name = "cohere command r"
    takes_messages = True
    stop_key = "stop_sequences"
    reason_keys = ("finish_reason",)

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        said = [("user", ask.prompt)] if ask.prompt is not None else turns(ask.messages or [], is_joined=True)
        preamble = "\n\n".join(text for role, text in said if role == "system")
        spoken = [("CHATBOT" if role == "assistant" else "USER", text) for role, text in said if role != "system"]
        body: dict[str, Any] = {"message": spoken[-1][1] if spoken else "", **self.stop_entry(ask)}
        if spoken[:-1]:
            body["chat_history"] = [{"role": role, "message": text} for role, text in spoken[:-1]]
        if preamble:
            body["preamble"] = preamble
        if ask.max_tokens is not None:
            body["max_tokens"] = ask.max_tokens
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        return merged(body, ask.extra)

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
        text = found.get("text")
        text = text if isinstance(text, str) else ""
        return Answer(
            text=text,
            content=text,
            tool_calls=_calls(found.get("tool_calls")),
            stop_reason=reason_in(found, reason_key, *self.reason_keys),
            usage=usage_from_headers(known),
            response_id=_own_id(found),
            latency_ms=latency_in(known),
            more={"citations": found["citations"]} if found.get("citations") else {},
        )

    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks.
        """
        return CohereCommandRDecoder((reason_key, *self.reason_keys), as_blocks=as_blocks)


class CohereCommandRDecoder(Decoder):
    """One streamed answer; each document says its kind in `event_type`."""

    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces that a document holds.

        Args:
            payload: The document.
        """
        kind = payload.get("event_type")
        self.response_id = self.response_id or _own_id(payload)
        if kind == "text-generation":
            yield from self.text_piece(payload.get("text"))
        elif kind == "tool-calls-generation":
            for place, call in enumerate(_calls(payload.get("tool_calls"))):
                chunk = tool_call_chunk(name=call["name"], args=_json(call["args"]), id=call["id"], index=place)
                yield Piece(tool_call_chunks=[chunk])
        elif kind == "citation-generation" and isinstance(payload.get("citations"), list):
            self.more["citations"] = [*self.more.get("citations", []), *payload["citations"]]
        elif kind == "stream-end":
            self.has_ended = True
            self.response_id = _own_id(object_of(payload.get("response"))) or self.response_id


def _own_id(body: Mapping[str, Any]) -> str | None:
    own_id = body.get("response_id") or body.get("generation_id")
    return own_id if isinstance(own_id, str) else None


def _calls(given: Any) -> list[ToolCall]:
    """Return the calls; the model gives them no ids, so they are made up."""
    return [
        tool_call(
            name=text_of(e.get("name")) or "", args=dict(object_of(e.get("parameters"))), id=f"call_{uuid4().hex}"
        )
        for e in objects_of(given)
        if e
    ]


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
