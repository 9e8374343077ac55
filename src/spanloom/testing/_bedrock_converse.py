"""The Converse format of the Bedrock test server: a request read as a question, a reply written whole or as events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._answers import tokens_of
from ._bedrock_guardrail import Guarded
from ._bedrock_model import Block, Question, Reply, pieces_of
from ._bedrock_script import Refusal, Step

__all__ = ["events_of", "question_of", "text_of", "whole_of"]

_LATENCY_MS = 21
_USER_FIRST = (
    "A conversation must start with a user message. Try again with a conversation that starts with a user message."
)
_TOOLS_UNDEFINED = "The toolConfig field must be defined when using toolUse and toolResult content blocks."


def question_of(body: Mapping[str, Any]) -> Question:
    """Return what a Converse request asks.

    Args:
        body: Its JSON body.

    Raises:
        Refusal: If it is a conversation that Bedrock refuses.
    """
    messages = body.get("messages") or []
    tool_config = body.get("toolConfig") or {}
    kinds = {kind for message in messages for block in message["content"] for kind in block}
    if not messages:
        raise Refusal("ValidationException", "The messages field is required and must not be empty.")
    if messages[0].get("role") != "user":
        raise Refusal("ValidationException", _USER_FIRST)
    if kinds & {"toolUse", "toolResult"} and not tool_config:
        raise Refusal("ValidationException", _TOOLS_UNDEFINED)
    texts = [("system", text_of(body.get("system") or []))] if body.get("system") else []
    texts += [(message["role"], text_of(message["content"])) for message in messages]
    specs = [tool["toolSpec"] for tool in tool_config.get("tools", []) if "toolSpec" in tool]
    settings = body.get("inferenceConfig") or {}
    thinking = (body.get("additionalModelRequestFields") or {}).get("thinking") or {}
    blocks = [*(body.get("system") or []), *(block for message in messages for block in message["content"])]
    guarded = [block["guardContent"]["text"]["text"] for block in blocks if "text" in block.get("guardContent", {})]
    return Question(
        texts=tuple(texts),
        tools={spec["name"]: spec["inputSchema"]["json"] for spec in specs},
        forced_tool=_forced(tool_config.get("toolChoice") or {}),
        tool_results=_tool_results(messages[-1]["content"]),
        max_tokens=settings.get("maxTokens"),
        stops=tuple(settings.get("stopSequences") or ()),
        is_thinking=thinking.get("type") in ("enabled", "adaptive"),
        guarded=tuple(guarded) or None,
    )


def text_of(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of content blocks, guarded text included.

    Args:
        blocks: The blocks.
    """
    texts = [block["text"] for block in blocks if "text" in block]
    texts += [block["guardContent"]["text"]["text"] for block in blocks if "text" in block.get("guardContent", {})]
    return "\n".join(texts)


def whole_of(reply: Reply, guarded: Guarded, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to Converse.

    Args:
        reply: The reply.
        guarded: What a guardrail did.
        body: The request's JSON body.
    """
    message = {"role": "assistant", "content": list(reply.blocks)}
    metadata = _metadata(reply, guarded, body)
    fields = _additional_fields(reply, body)
    return {"output": {"message": message}, "stopReason": reply.stop, **fields, **metadata}


def events_of(reply: Reply, guarded: Guarded, body: Mapping[str, Any]) -> list[Step]:
    """Return the events of the answer to ConverseStream.

    Args:
        reply: The reply.
        guarded: What a guardrail did.
        body: The request's JSON body.
    """
    events: list[Step] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(reply.blocks):
        if "toolUse" in block:
            start = {key: value for key, value in block["toolUse"].items() if key != "input"}
            events.append(("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}}))
        events += [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in _deltas(block)]
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
    events.append(("messageStop", {"stopReason": reply.stop, **_additional_fields(reply, body)}))
    return [*events, ("metadata", _metadata(reply, guarded, body))]


def _deltas(block: Block) -> Iterator[dict[str, Any]]:
    if "text" in block:
        yield from ({"text": token} for token in tokens_of(block["text"]) or [""])
    elif "toolUse" in block:
        text = json.dumps(block["toolUse"].get("input", {}), ensure_ascii=False)
        yield from ({"toolUse": {"input": piece}} for piece in pieces_of(text))
    elif "redactedContent" in block.get("reasoningContent", {}):
        yield {"reasoningContent": block["reasoningContent"]}
    elif "reasoningContent" in block:
        thought = block["reasoningContent"]["reasoningText"]
        yield from ({"reasoningContent": {"text": token}} for token in tokens_of(thought["text"]))
        if "signature" in thought:
            yield {"reasoningContent": {"signature": thought["signature"]}}
    elif "citationsContent" in block:
        cited = block["citationsContent"]
        yield from ({"text": part["text"]} for part in cited.get("content", []))
        yield from ({"citation": citation} for citation in cited.get("citations", []))


def _metadata(reply: Reply, guarded: Guarded, body: Mapping[str, Any]) -> dict[str, Any]:
    usage = {
        "inputTokens": reply.input_tokens,
        "outputTokens": reply.output_tokens,
        "totalTokens": reply.total_tokens,
    }
    asked = (body.get("guardrailConfig") or {}).get("trace") in ("enabled", "enabled_full")
    trace = {"trace": guarded.converse_trace()} if asked and guarded.guardrail is not None else {}
    echoed = {key: body[key] for key in ("performanceConfig", "serviceTier") if body.get(key)}
    return {"usage": usage, "metrics": {"latencyMs": _LATENCY_MS}, **trace, **echoed}


def _additional_fields(reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    pointers = body.get("additionalModelResponseFieldPaths")
    if not pointers:
        return {}
    known = {"/stop_sequence": reply.stop_sequence, "/stop_reason": reply.stop}
    fields = {pointer.strip("/"): known[pointer] for pointer in pointers if pointer in known}
    return {"additionalModelResponseFields": fields}


def _forced(choice: Mapping[str, Any]) -> str | None:
    if "tool" in choice:
        return str(choice["tool"]["name"])
    return "*" if "any" in choice else None


def _tool_results(blocks: Sequence[Mapping[str, Any]]) -> str | None:
    parts = [part for block in blocks if "toolResult" in block for part in block["toolResult"].get("content", [])]
    if not any("toolResult" in block for block in blocks):
        return None
    return " ".join(part["text"] if "text" in part else json.dumps(part.get("json")) for part in parts)
