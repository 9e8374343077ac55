"""Anthropic's Messages API: Claude 3 and later, and any Claude that is given messages.

An answer of one text is a text; with tools, thinking or citations it is a list of blocks in Anthropic's form. A stream
follows the same rule, by what was asked for, and turns to blocks where one comes unasked. Its tokens are those of the
metrics at its end, with the details that only the messages tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ....messages import tool_call, tool_call_chunk
from ..counting import usage_from_anthropic, usage_from_headers
from ..errors import ModelStreamError
from ..shapes import object_of, text_of
from .anthropic_wire import anthropic_conversation, anthropic_tool, anthropic_tool_choice, cites_documents
from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .documents import latency_in, merged, reason_in
from .families import Family

__all__ = ["ANTHROPIC_VERSION", "AnthropicMessages", "AnthropicMessagesDecoder"]

ANTHROPIC_VERSION = "bedrock-2023-05-31"
"""The one version of the Messages API that Bedrock knows."""


class AnthropicMessages(Family):
    """Claude by its Messages API."""

    name = "anthropic"
    takes_messages = True
    takes_tools = True
    stop_key = "stop_sequences"
    reason_keys = ("stop_reason",)

    default_max_tokens: ClassVar[int] = 1024
    """Sent where the caller sets no limit: the model requires one."""

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.

        Raises:
            InvalidInputError: If the system speaks after the others have begun.
        """
        system, messages = (
            (None, [{"role": "user", "content": ask.prompt}])
            if ask.prompt is not None
            else anthropic_conversation(ask.messages or [])
        )
        body: dict[str, Any] = {
            "anthropic_version": ANTHROPIC_VERSION,
            "max_tokens": self.default_max_tokens if ask.max_tokens is None else ask.max_tokens,
            "messages": messages,
            **self.stop_entry(ask),
        }
        if system is not None:
            body["system"] = system
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.tools:
            body["tools"] = [self.tool(tool) for tool in ask.tools]
        if ask.tool_choice is not None:
            body["tool_choice"] = self.tool_choice(ask.tool_choice)
        return merged(body, ask.extra)

    def tool(self, tool: Mapping[str, Any]) -> dict[str, Any]:
        """Return a tool in Anthropic's form.

        Args:
            tool: The tool, in OpenAI's form or Anthropic's own.
        """
        return anthropic_tool(tool)

    def tool_choice(self, choice: Any) -> Any:
        """Return which tool must be called, in Anthropic's form.

        Args:
            choice: `auto`, `any`, `none`, the name of a tool, or Anthropic's own form.
        """
        return anthropic_tool_choice(choice)

    def wants_blocks(self, ask: Ask) -> bool:
        """Return whether the answer may hold more than text.

        Args:
            ask: The question.
        """
        thinking = object_of(ask.extra.get("thinking")).get("type")
        is_thinking = thinking is not None and thinking != "disabled"
        return super().wants_blocks(ask) or "tools" in ask.extra or is_thinking or cites_documents(ask.messages or [])

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
        content = found.get("content")
        blocks = [dict(b) for b in content if isinstance(b, Mapping)] if isinstance(content, list) else []
        text = content if isinstance(content, str) else "".join(_text(block) for block in blocks)
        is_plain = len(blocks) == 1 and blocks[0].get("type") == "text" and not blocks[0].get("citations")
        calls = [block for block in blocks if block.get("type") == "tool_use"]
        sequence = found.get("stop_sequence")
        return Answer(
            text=text,
            content=text if is_plain or not blocks else list(blocks),
            tool_calls=[
                tool_call(
                    name=text_of(c.get("name")) or "", args=dict(object_of(c.get("input"))), id=text_of(c.get("id"))
                )
                for c in calls
            ],
            stop_reason=reason_in(found, reason_key, *self.reason_keys),
            usage=usage_from_anthropic(found.get("usage")) or usage_from_headers(known),
            response_id=text_of(found.get("id")),
            model_name=text_of(found.get("model")),
            latency_ms=latency_in(known),
            more={"stop_sequence": sequence} if sequence is not None else {},
        )

    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks.
        """
        return AnthropicMessagesDecoder((reason_key, *self.reason_keys), as_blocks=as_blocks)


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("text") if block.get("type") == "text" else None
    return text if isinstance(text, str) else ""


class AnthropicMessagesDecoder(Decoder):
    """One streamed answer of the Messages API."""

    ends_with_reason = False

    _usage_so_far: Mapping[str, Any] = {}
    _calls: frozenset[int] = frozenset()

    def reason_of(self, payload: Mapping[str, Any]) -> str | None:
        """Return why the answer ends, which a `message_delta` says.

        Args:
            payload: The document.
        """
        return reason_in(object_of(payload.get("delta")), *self.reason_keys) or super().reason_of(payload)

    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces that a document holds.

        Args:
            payload: The document.

        Raises:
            ModelStreamError: If the document is an error.
        """
        kind, index = payload.get("type"), payload.get("index")
        place = index if isinstance(index, int) else 0
        if kind == "message_start":
            self._start(object_of(payload.get("message")))
        elif kind == "content_block_start":
            yield from self._open(object_of(payload.get("content_block")), place)
        elif kind == "content_block_delta":
            yield from self._grow(object_of(payload.get("delta")), place)
        elif kind == "message_delta":
            self._add_usage(object_of(payload.get("usage")))
            sequence = object_of(payload.get("delta")).get("stop_sequence")
            if sequence is not None:
                self.more["stop_sequence"] = sequence
        elif kind == "message_stop":
            self.has_ended = True
        elif kind == "error":
            error = object_of(payload.get("error"))
            raise ModelStreamError(
                f"The model failed in the middle of its answer: {error.get('message') or 'it did not say why'}.",
                code=error.get("type"),
            )

    def _start(self, message: Mapping[str, Any]) -> None:
        own_id, model = message.get("id"), message.get("model")
        self.response_id = own_id if isinstance(own_id, str) else None
        self.model_name = model if isinstance(model, str) else None
        self._add_usage(object_of(message.get("usage")))

    def _add_usage(self, usage: Mapping[str, Any]) -> None:
        told = {key: value for key, value in usage.items() if value is not None}
        self._usage_so_far = {**self._usage_so_far, **told}
        self.counted(usage_from_anthropic(self._usage_so_far))

    def _open(self, block: Mapping[str, Any], index: int) -> Iterator[Piece]:
        kind = block.get("type")
        if kind == "text" and not block.get("citations"):
            yield from self.text_piece(block.get("text"), index)
        elif kind == "tool_use":
            self._calls |= {index}
            name, own_id = text_of(block.get("name")), text_of(block.get("id"))
            yield self._other(block, index, [tool_call_chunk(name=name, args="", id=own_id, index=index)])
        elif kind == "thinking" and not block.get("thinking") and not block.get("signature"):
            return  # the pieces that follow open it
        elif kind:
            yield self._other(block, index)

    def _grow(self, delta: Mapping[str, Any], index: int) -> Iterator[Piece]:
        kind = delta.get("type")
        if kind == "text_delta":
            yield from self.text_piece(delta.get("text"), index)
        elif kind == "input_json_delta":
            text = text_of(delta.get("partial_json")) or ""
            if index not in self._calls:
                yield self._other({"type": "server_tool_use", "partial_json": text}, index)
            elif text:
                chunk = tool_call_chunk(args=text, index=index)
                yield self._other({"type": "tool_use", "partial_json": text}, index, [chunk])
        elif kind == "thinking_delta":
            yield self._other({"type": "thinking", "thinking": delta.get("thinking") or ""}, index)
        elif kind == "signature_delta":
            yield self._other({"type": "thinking", "signature": delta.get("signature") or ""}, index)
        elif kind == "citations_delta":
            yield self._other({"type": "text", "text": "", "citations": [delta.get("citation")]}, index)

    def _other(self, block: Mapping[str, Any], index: int, calls: Any = ()) -> Piece:
        """Return a piece that is more than text; from then on text comes as blocks too."""
        self.as_blocks = True
        text = block.get("text")
        return Piece(
            text=text if block.get("type") == "text" and isinstance(text, str) else "",
            content=[{**block, "index": index}],
            tool_call_chunks=list(calls),
        )
