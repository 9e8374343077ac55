"""Body formats of InvokeModel that take one prompt: Titan, Cohere, AI21, Llama, Mistral, Claude 2, plain completion."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from ._answers import tokens_of
from ._bedrock_family import Family, Json, stop_of
from ._bedrock_model import Question, Reply

__all__ = ["TEXT_FAMILIES"]


def _prompt_reader(key: str, limit: str, stops: str, settings: str | None = None) -> Callable[[Json], Question]:
    def question(body: Json) -> Question:
        source = body.get(settings, {}) if settings else body
        return Question(
            (("user", _asked(body[key])),), max_tokens=source.get(limit), stops=tuple(source.get(stops) or ())
        )

    return question


_MARKS = re.compile(
    r"\[/?INST\]|</?s>|<</?SYS>>|<\|(?:start_header_id|header_start)\|>\w+<\|(?:end_header_id|header_end)\|>"
    r"|<\|[\w\uff5c\u2581]+\|>|<\uff5c[\w\u2581]+\uff5c>|\n\n(?:Human|Assistant|User|Bot):"
)
"""What chat templates put around turns: no word of the question."""


def _asked(prompt: str) -> str:
    return _MARKS.sub("\n", prompt).strip()


def _pieces(reply: Reply) -> list[str]:
    return tokens_of(reply.text) or [""]


_COMPLETION = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
_LEGACY = {"end_turn": "stop_sequence", "max_tokens": "max_tokens"}
_TITAN = {
    "end_turn": "FINISH",
    "max_tokens": "LENGTH",
    "stop_sequence": "STOP_CRITERIA_MET",
    "guardrail_intervened": "CONTENT_FILTERED",
}
_COHERE = {"end_turn": "COMPLETE", "max_tokens": "MAX_TOKENS"}
_J2 = {"end_turn": "endoftext", "max_tokens": "length", "stop_sequence": "stop"}


def _legacy_whole(reply: Reply, _: Json) -> Json:
    stop = stop_of(reply, _LEGACY)
    ended_by = reply.stop_sequence or ("\n\nHuman:" if stop == "stop_sequence" else None)
    return {"type": "completion", "completion": reply.text, "stop_reason": stop, "stop": ended_by}


def _legacy_chunks(reply: Reply, body: Json) -> list[Json]:
    open_piece = {"type": "completion", "stop_reason": None, "stop": None}
    last = {**_legacy_whole(reply, body), "completion": ""}
    return [*({**open_piece, "completion": piece} for piece in _pieces(reply)), last]


def _titan_whole(reply: Reply, _: Json) -> Json:
    result = {"tokenCount": reply.output_tokens, "outputText": reply.text, "completionReason": stop_of(reply, _TITAN)}
    return {"inputTextTokenCount": reply.input_tokens, "results": [result]}


def _titan_chunks(reply: Reply, _: Json) -> list[Json]:
    pieces = _pieces(reply)
    chunks: list[Json] = [
        {"outputText": p, "index": 0, "totalOutputTextTokenCount": None, "completionReason": None} for p in pieces
    ]
    chunks[0] |= {"inputTextTokenCount": reply.input_tokens}
    chunks[-1] |= {
        "totalOutputTextTokenCount": reply.output_tokens,
        "completionReason": stop_of(reply, _TITAN),
    }
    return chunks


def _cohere_whole(reply: Reply, body: Json) -> Json:
    made = {"id": "generation-1", "text": reply.text, "finish_reason": stop_of(reply, _COHERE)}
    return {"id": "response-1", "prompt": body["prompt"], "generations": [made]}


def _cohere_chunks(reply: Reply, _: Json) -> list[Json]:
    pieces = [{"text": piece, "is_finished": False} for piece in _pieces(reply)]
    return [*pieces, {"is_finished": True, "finish_reason": stop_of(reply, _COHERE), "text": ""}]


def _command_r_question(body: Json) -> Question:
    roles = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system"}
    past = [(roles.get(turn["role"], "user"), str(turn.get("message", ""))) for turn in body.get("chat_history") or []]
    documents = "\n".join(str(document.get("snippet", document)) for document in body.get("documents") or [])
    system = [("system", text) for text in (body.get("preamble"), documents) if text]
    tools = {tool["name"]: _command_r_schema(tool) for tool in body.get("tools") or []}
    results = json.dumps([result["outputs"] for result in body["tool_results"]]) if body.get("tool_results") else None
    texts = (*system, *past, ("user", body["message"]))
    return Question(texts, tools, None, results, body.get("max_tokens"), tuple(body.get("stop_sequences") or ()))


def _command_r_schema(tool: Json) -> Json:
    kinds = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "List": "array", "Dict": "object"}
    given = tool.get("parameter_definitions", {})
    parts = {name: {"type": kinds.get(part.get("type", "str"), "string")} for name, part in given.items()}
    return {"type": "object", "properties": parts}


def _command_r_whole(reply: Reply, body: Json) -> Json:
    calls = [
        {"name": b["toolUse"]["name"], "parameters": b["toolUse"]["input"]} for b in reply.blocks if "toolUse" in b
    ]
    turn = [{"role": "USER", "message": body["message"]}, {"role": "CHATBOT", "message": reply.text}]
    history = [*(body.get("chat_history") or []), *turn]
    whole = {"response_id": "response-1", "generation_id": "generation-1", "text": reply.text, "chat_history": history}
    return {**whole, "finish_reason": stop_of(reply, _COHERE), **({"tool_calls": calls} if calls else {})}


def _command_r_chunks(reply: Reply, body: Json) -> list[Json]:
    whole = _command_r_whole(reply, body)
    chunks: list[Json] = [{"event_type": "stream-start", "is_finished": False, "generation_id": "generation-1"}]
    chunks += [
        {"event_type": "text-generation", "is_finished": False, "text": piece} for piece in tokens_of(reply.text)
    ]
    if "tool_calls" in whole:
        chunks.append({"event_type": "tool-calls-generation", "is_finished": False, "tool_calls": whole["tool_calls"]})
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": whole["finish_reason"], "response": whole}
    return [*chunks, end]


def _j2_whole(reply: Reply, body: Json) -> Json:
    made = {"data": {"text": reply.text, "tokens": []}, "finishReason": {"reason": stop_of(reply, _J2)}}
    return {"id": 1, "prompt": {"text": body["prompt"], "tokens": []}, "completions": [made]}


def _meta_whole(reply: Reply, _: Json) -> Json:
    counts = {"prompt_token_count": reply.input_tokens, "generation_token_count": reply.output_tokens}
    return {"generation": reply.text, **counts, "stop_reason": stop_of(reply, _COMPLETION)}


def _meta_chunks(reply: Reply, _: Json) -> list[Json]:
    chunks: list[Json] = []
    for number, piece in enumerate(_pieces(reply), 1):
        counts = {"prompt_token_count": reply.input_tokens if number == 1 else None, "generation_token_count": number}
        chunks.append({"generation": piece, **counts, "stop_reason": None})
    end = {"generation_token_count": reply.output_tokens, "stop_reason": stop_of(reply, _COMPLETION)}
    return [*chunks, {"generation": "", "prompt_token_count": None, **end}]


def _mistral_whole(reply: Reply, _: Json) -> Json:
    return {"outputs": [{"text": reply.text, "stop_reason": stop_of(reply, _COMPLETION)}]}


def _mistral_chunks(reply: Reply, _: Json) -> list[Json]:
    pieces = [{"outputs": [{"text": piece, "stop_reason": None}]} for piece in _pieces(reply)]
    return [*pieces, {"outputs": [{"text": "", "stop_reason": stop_of(reply, _COMPLETION)}]}]


def _completion_whole(reply: Reply, _: Json) -> Json:
    reason = stop_of(reply, _COMPLETION)
    return {"choices": [{"index": 0, "text": reply.text, "stop_reason": reason, "finish_reason": reason}]}


def _completion_chunks(reply: Reply, _: Json) -> list[Json]:
    pieces = [{"choices": [{"index": 0, "text": piece, "stop_reason": None}]} for piece in _pieces(reply)]
    return [*pieces, {"choices": [{"index": 0, "text": "", "stop_reason": stop_of(reply, _COMPLETION)}]}]


_COMPLETIONS = Family(
    "completion", ("prompt",), _prompt_reader("prompt", "max_tokens", "stop"), _completion_whole, _completion_chunks
)

TEXT_FAMILIES = (
    Family(
        "anthropic-text",
        ("prompt", "max_tokens_to_sample"),
        _prompt_reader("prompt", "max_tokens_to_sample", "stop_sequences"),
        _legacy_whole,
        _legacy_chunks,
    ),
    Family(
        "titan",
        ("inputText",),
        _prompt_reader("inputText", "maxTokenCount", "stopSequences", "textGenerationConfig"),
        _titan_whole,
        _titan_chunks,
    ),
    Family(
        "cohere", ("prompt",), _prompt_reader("prompt", "max_tokens", "stop_sequences"), _cohere_whole, _cohere_chunks
    ),
    Family("command-r", ("message",), _command_r_question, _command_r_whole, _command_r_chunks),
    Family("j2", ("prompt",), _prompt_reader("prompt", "maxTokens", "stopSequences"), _j2_whole, None),
    Family(
        "meta",
        ("prompt",),
        _prompt_reader("prompt", "max_gen_len", "stop"),
        _meta_whole,
        _meta_chunks,
        refused=("stop", "stop_sequences"),
    ),
    Family(
        "mistral",
        ("prompt",),
        _prompt_reader("prompt", "max_tokens", "stop"),
        _mistral_whole,
        _mistral_chunks,
        refused=("stop_sequences",),
    ),
    _COMPLETIONS,
    replace(_COMPLETIONS, name="writer", end="[DONE]"),
)
"""The formats that take one prompt."""
