"""Bodies like OpenAI's chat completions: gpt-oss, Qwen, Mistral's chat models, Jamba, Palmyra, DeepSeek V3, more.

Sources: Bedrock's guide to the parameters of each model, OpenAI's API reference. Mistral says `stop_reason` where
others say `finish_reason`; a stream's choices hold a `delta`, and with some makers a `message`. `content` may be null,
when the limit was reached while the model reasoned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ....messages import convert_to_openai_messages, tool_call_chunk
from ....messages.tool_calls import read_raw_tool_calls
from ..counting import usage_from_headers, usage_from_openai
from ..shapes import count, object_of, objects_of, text_of
from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .documents import first, latency_in, merged, reason_in
from .families import Family

__all__ = ["Jamba", "MistralChat", "OpenAiLike", "OpenAiLikeDecoder", "OpenAiModels"]

_REASONING_KEYS = ("reasoning_content", "reasoning")


class OpenAiLike(Family):
    """Models that take OpenAI's messages."""

    name = "openai-like"
    takes_messages = True
    takes_tools = True
    stop_key = "stop"
    reason_keys = ("finish_reason", "stop_reason")

    max_tokens_key = "max_tokens"

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        messages: Any = (
            [{"role": "user", "content": ask.prompt}]
            if ask.prompt is not None
            else convert_to_openai_messages(list(ask.messages or []))
        )
        body: dict[str, Any] = {"messages": messages, **self.stop_entry(ask)}
        if ask.max_tokens is not None and not {"max_tokens", "max_completion_tokens"} & ask.extra.keys():
            body[self.max_tokens_key] = ask.max_tokens
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.tools:
            body["tools"] = [self.tool(tool) for tool in ask.tools]
        if ask.tool_choice is not None:
            body["tool_choice"] = self.tool_choice(ask.tool_choice)
        return merged(body, ask.extra)

    def tool_choice(self, choice: Any) -> Any:
        """Return which tool must be called, in the body's form.

        Args:
            choice: `auto`, `any`, `none`, the name of a tool, or the body's own form.
        """
        if not isinstance(choice, str) or choice in ("auto", "none", "required"):
            return choice
        return "required" if choice == "any" else {"type": "function", "function": {"name": choice}}

    def wants_blocks(self, ask: Ask) -> bool:
        """Return False: calls stand beside the content.

        Args:
            ask: The question.
        """
        return False

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
        choice = first(found, "choices")
        message = object_of(choice.get("message"))
        text = _text(message.get("content", choice.get("text")))
        calls, broken = read_raw_tool_calls([_call(each) for each in objects_of(message.get("tool_calls"))])
        return Answer(
            text=text,
            content=text,
            tool_calls=calls,
            invalid_tool_calls=broken,
            stop_reason=reason_in(found, reason_key, *self.reason_keys),
            usage=usage_from_openai(found.get("usage")) or usage_from_headers(known),
            response_id=text_of(found.get("id")),
            model_name=text_of(found.get("model")),
            latency_ms=latency_in(known),
            beside=_beside(message),
        )

    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks.
        """
        return OpenAiLikeDecoder((reason_key, *self.reason_keys), as_blocks=as_blocks)


class OpenAiModels(OpenAiLike):
    """OpenAI's own models, the newer of which refuse `max_tokens`."""

    name = "openai"
    max_tokens_key = "max_completion_tokens"


class MistralChat(OpenAiLike):
    """Mistral's models that take messages; for them a tool that must be called is `any`."""

    name = "mistral chat"
    reason_keys = ("stop_reason", "finish_reason")

    def tool_choice(self, choice: Any) -> Any:
        """Return which tool must be called; one by name is not known there, so any.

        Args:
            choice: `auto`, `any`, `none`, the name of a tool, or the body's own form.
        """
        return choice if not isinstance(choice, str) or choice in ("auto", "none") else "any"


class Jamba(OpenAiLike):
    """AI21 Jamba."""

    name = "ai21 jamba"


class OpenAiLikeDecoder(Decoder):
    """One streamed answer."""

    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces that a document holds.

        Args:
            payload: The document.
        """
        self.response_id = self.response_id or text_of(payload.get("id"))
        self.model_name = self.model_name or text_of(payload.get("model"))
        self.counted(usage_from_openai(payload.get("usage")))
        choice = first(payload, "choices")
        delta = object_of(choice.get("delta")) or object_of(choice.get("message"))
        beside = _beside(delta)
        if beside:
            yield Piece(beside=beside)
        yield from self.text_piece(_text(delta.get("content", choice.get("text"))))
        calls = delta.get("tool_calls")
        for place, entry in enumerate(calls if isinstance(calls, list) else []):
            call, function = object_of(entry), object_of(object_of(entry).get("function"))
            index = count(call.get("index"))
            chunk = tool_call_chunk(
                name=text_of(function.get("name")),
                args=text_of(function.get("arguments")),
                id=text_of(call.get("id")),
                index=place if index is None else index,
            )
            yield Piece(tool_call_chunks=[chunk])


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(text_of(object_of(part).get("text")) or "" for part in content)
    return content if isinstance(content, str) else ""


def _call(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool call with texts only; arguments that come as an object are written as one."""
    function = object_of(entry.get("function"))
    given = function.get("arguments")
    arguments = given if isinstance(given, str | None) else json.dumps(given)
    return {"id": text_of(entry.get("id")), "function": {"name": text_of(function.get("name")), "arguments": arguments}}


def _beside(message: Mapping[str, Any]) -> dict[str, Any]:
    reasoning = next((message[key] for key in _REASONING_KEYS if text_of(message.get(key))), None)
    refusal = text_of(message.get("refusal"))
    return {**({"reasoning_content": reasoning} if reasoning else {}), **({"refusal": refusal} if refusal else {})}
