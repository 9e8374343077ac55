"""Body formats of InvokeModel that take messages: Anthropic's, Nova's, and the OpenAI style of several providers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import _bedrock_converse as converse
from ._answers import tokens_of
from ._bedrock_family import Family, Json
from ._bedrock_guardrail import NOT_GUARDED
from ._bedrock_model import Block, Question, Reply, pieces_of

__all__ = ["CHAT_FAMILIES"]

_CHAT_STOP = {"max_tokens": "length", "tool_use": "tool_calls", "guardrail_intervened": "content_filter"}


def _anthropic_question(body: Json) -> Question:
    messages = body["messages"]
    system = [("system", _text(body["system"]))] if body.get("system") else []
    choice = body.get("tool_choice") or {}
    forced = {"any": "*", "tool": choice.get("name")}.get(choice.get("type", ""))
    return Question(
        texts=(*system, *((message["role"], _text(message["content"])) for message in messages)),
        tools={tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools") or []},
        forced_tool=forced,
        tool_results=_tool_results(messages[-1]["content"]),
        max_tokens=body["max_tokens"],
        stops=tuple(body.get("stop_sequences") or ()),
        is_thinking=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
    )


def _anthropic_whole(reply: Reply, _: Json) -> Json:
    usage = {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
    message = {"id": "msg_bdrk_01", "type": "message", "role": "assistant", "model": "claude"}
    content = [_anthropic_block(block) for block in reply.blocks]
    return {**message, "content": content, **_anthropic_stop(reply), "usage": usage}


def _anthropic_chunks(reply: Reply, _: Json) -> list[Json]:
    start = {**_anthropic_whole(reply, _), "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = {"input_tokens": reply.input_tokens, "output_tokens": 1}
    chunks: list[Json] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(reply.blocks):
        opened, deltas = _anthropic_deltas(block)
        chunks.append({"type": "content_block_start", "index": index, "content_block": opened})
        chunks += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        chunks.append({"type": "content_block_stop", "index": index})
    usage = {"output_tokens": reply.output_tokens}
    return [
        *chunks,
        {"type": "message_delta", "delta": _anthropic_stop(reply), "usage": usage},
        {"type": "message_stop"},
    ]


def _chat_question(body: Json) -> Question:
    messages = body["messages"]
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, _text(message["content"]))
    functions = [tool["function"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice")
    forced = choice["function"]["name"] if isinstance(choice, dict) else "*" if choice in ("any", "required") else None
    stops = body.get("stop") or ()
    talk = [message for message in messages if message["role"] != "tool"]
    return Question(
        texts=tuple((_role(message["role"]), _text(message.get("content"))) for message in talk),
        tools={function["name"]: function.get("parameters", {}) for function in functions},
        forced_tool=forced,
        tool_results=" ".join(results) if results else None,
        max_tokens=body.get("max_tokens", body.get("max_completion_tokens")),
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
    )


def _chat_whole(reason_key: str) -> Callable[[Reply, Json], Json]:

    def whole(reply: Reply, _: Json) -> Json:
        message: Json = {"role": "assistant", "content": reply.text or None}
        if calls := _chat_calls(reply):
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, reason_key: _CHAT_STOP.get(reply.stop, "stop")}
        return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": _chat_usage(reply)}

    return whole


def _chat_chunks(reason_key: str, delta_key: str) -> Callable[[Reply, Json], list[Json]]:

    def chunk(delta: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, delta_key: delta, reason_key: reason}
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}

    def chunks(reply: Reply, _: Json) -> list[Json]:
        made: list[Json] = [chunk({"role": "assistant", "content": ""})]
        made += [chunk({"content": token}) for token in tokens_of(reply.text)]
        for index, call in enumerate(_chat_calls(reply)):
            function = call["function"]
            made.append(chunk({"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}))
            for piece in pieces_of(function["arguments"]):
                made.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
        return [*made, chunk({}, _CHAT_STOP.get(reply.stop, "stop"))]

    return chunks


def _chat_calls(reply: Reply) -> list[Json]:
    uses = [block["toolUse"] for block in reply.blocks if "toolUse" in block]
    return [
        {
            "id": use["toolUseId"],
            "type": "function",
            "function": {"name": use["name"], "arguments": json.dumps(use["input"])},
        }
        for use in uses
    ]


def _chat_usage(reply: Reply) -> Json:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.total_tokens,
    }


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content or [] if isinstance(block.get("text"), str))


def _tool_results(content: Any) -> str | None:
    results = [block for block in content if block.get("type") == "tool_result"] if isinstance(content, list) else []
    return " ".join(_text(result.get("content")) for result in results) if results else None


def _anthropic_stop(reply: Reply) -> Json:
    if reply.stop == "guardrail_intervened":
        return {"stop_reason": reply.stop}  # an intervention has no stop_sequence
    return {"stop_reason": reply.stop, "stop_sequence": reply.stop_sequence}


def _anthropic_block(block: Block) -> Json:
    if "toolUse" in block:
        use = block["toolUse"]
        return {"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]}
    if "reasoningContent" in block:
        thought: Mapping[str, Any] = block["reasoningContent"]
        if "redactedContent" in thought:
            return {"type": "redacted_thinking", "data": thought["redactedContent"]}
        text = thought["reasoningText"]
        return {"type": "thinking", "thinking": text["text"], "signature": text.get("signature", "")}
    return {"type": "text", "text": block["text"]}


def _anthropic_deltas(block: Block) -> tuple[Json, Sequence[Json]]:
    whole = _anthropic_block(block)
    if whole["type"] == "tool_use":
        text = json.dumps(whole["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces_of(text))]
        return {**whole, "input": {}}, deltas
    if whole["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": token} for token in tokens_of(whole["thinking"])]
        signature = {"type": "signature_delta", "signature": whole["signature"]}
        return {**whole, "thinking": "", "signature": ""}, [*thoughts, signature]
    if whole["type"] == "redacted_thinking":
        return whole, []
    return {**whole, "text": ""}, [{"type": "text_delta", "text": token} for token in tokens_of(whole["text"])]


def _nova_question(body: Json) -> Question:
    settings = body.get("inferenceConfig") or {}
    limit = settings.get("maxTokens", settings.get("max_new_tokens"))
    return converse.question_of({**body, "inferenceConfig": {**settings, "maxTokens": limit}})


def _nova_whole(reply: Reply, _: Json) -> Json:
    return converse.whole_of(reply, NOT_GUARDED, {})


def _nova_chunks(reply: Reply, _: Json) -> list[Json]:
    return [{name: payload} for name, payload in converse.events_of(reply, NOT_GUARDED, {})]


_CHAT = Family(
    "chat", ("messages",), _chat_question, _chat_whole("finish_reason"), _chat_chunks("finish_reason", "delta")
)

CHAT_FAMILIES = (
    Family(
        "anthropic",
        ("anthropic_version", "max_tokens", "messages"),
        _anthropic_question,
        _anthropic_whole,
        _anthropic_chunks,
    ),
    Family("nova", ("messages",), _nova_question, _nova_whole, _nova_chunks),
    _CHAT,
    replace(_CHAT, name="writer-chat", end="[DONE]"),
    Family(
        "mistral-chat",
        ("messages",),
        _chat_question,
        _chat_whole("stop_reason"),
        _chat_chunks("stop_reason", "message"),
    ),
)
"""The formats that take messages."""
