"""Answers and streams of every family, as the providers send them; all say "Hello there." in the same tokens."""

from typing import Any

METRICS = {
    "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 3,
        "outputTokenCount": 5,
        "invocationLatency": 120,
        "firstByteLatency": 40,
        "cacheReadInputTokenCount": 2,
        "cacheWriteInputTokenCount": 1,
    }
}
HEADERS = {
    "x-amzn-bedrock-input-token-count": "3",
    "x-amzn-bedrock-output-token-count": "5",
    "x-amzn-bedrock-invocation-latency": "77",
}
TOKENS = ["Hello", " the", "re."]
TEXT = "".join(TOKENS)


def choices(key: str, reason_key: str = "finish_reason", reason: str = "stop") -> tuple[Any, list[Any]]:
    """A whole answer and a stream of the OpenAI kind."""
    message = {"role": "assistant", "content": TEXT}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    whole = {
        "id": "c1",
        "model": "m1",
        "choices": [{"index": 0, "message": message, reason_key: reason}],
        "usage": usage,
    }
    stream: list[Any] = [{"id": "c1", "model": "m1", "choices": [{key: {"role": "assistant"}, reason_key: None}]}]
    stream += [
        {"id": "c1", "model": "m1", "choices": [{key: {"content": token}, reason_key: None}]} for token in TOKENS
    ]
    stream += [{"id": "c1", "choices": [{key: {"content": ""}, reason_key: reason}], **METRICS}]
    return whole, stream


_ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 5},
}
_ANTHROPIC_STREAM: list[Any] = [
    {"type": "message_start", "message": {**_ANTHROPIC, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": token}} for token in TOKENS),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop", **METRICS},
]
_NOVA = {
    "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
}
_NOVA_STREAM: list[Any] = [
    {"messageStart": {"role": "assistant"}},
    *({"contentBlockDelta": {"delta": {"text": token}, "contentBlockIndex": 0}} for token in TOKENS),
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"messageStop": {"stopReason": "end_turn"}},
    {"metadata": {"usage": _NOVA["usage"], "metrics": {}, "trace": {}}, **METRICS},
]
_LLAMA = {"generation": TEXT, "prompt_token_count": 3, "generation_token_count": 5, "stop_reason": "stop"}
_LLAMA_STREAM: list[Any] = [
    *(
        {
            "generation": token,
            "prompt_token_count": None if place else 3,
            "generation_token_count": place + 1,
            "stop_reason": None,
        }
        for place, token in enumerate(TOKENS)
    ),
    {"generation": "", "prompt_token_count": None, "generation_token_count": 5, "stop_reason": "stop", **METRICS},
]
_TITAN = {
    "inputTextTokenCount": 3,
    "results": [{"tokenCount": 5, "outputText": TEXT, "completionReason": "FINISH"}],
}
_TITAN_STREAM: list[Any] = [
    *({"outputText": token, "index": 0, "completionReason": None} for token in TOKENS),
    {"outputText": "", "index": 0, "totalOutputTextTokenCount": 5, "completionReason": "FINISH", **METRICS},
]
_CLAUDE_2_STREAM: list[Any] = [
    *({"completion": token, "stop_reason": None, "stop": None} for token in TOKENS),
    {"completion": "", "stop_reason": "stop_sequence", "stop": "\n\nHuman:", **METRICS},
]
_COMMAND_STREAM: list[Any] = [
    *({"text": token, "is_finished": False} for token in TOKENS),
    {"is_finished": True, "finish_reason": "COMPLETE", **METRICS},
]
_COMMAND_R_STREAM: list[Any] = [
    {"event_type": "stream-start", "is_finished": False, "generation_id": "g1"},
    *({"event_type": "text-generation", "is_finished": False, "text": token} for token in TOKENS),
    {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": {}, **METRICS},
]
_MISTRAL_STREAM: list[Any] = [
    *({"outputs": [{"text": token, "stop_reason": None}]} for token in TOKENS),
    {"outputs": [{"text": "", "stop_reason": "stop"}], **METRICS},
]
_DEEPSEEK_STREAM: list[Any] = [
    *({"choices": [{"text": token, "stop_reason": None}]} for token in TOKENS),
    {"choices": [{"text": "", "stop_reason": "stop"}], **METRICS},
]
_J2 = {"id": 7, "prompt": {}, "completions": [{"data": {"text": TEXT}, "finishReason": {"reason": "endoftext"}}]}
_WRITER = choices("delta")

BODIES: dict[str, tuple[Any, list[Any], str]] = {
    "anthropic.claude-v2": ({"completion": TEXT, "stop_reason": "stop_sequence"}, _CLAUDE_2_STREAM, "stop_sequence"),
    "anthropic.claude-3-haiku-20240307-v1:0": (_ANTHROPIC, _ANTHROPIC_STREAM, "end_turn"),
    "amazon.titan-text-express-v1": (_TITAN, _TITAN_STREAM, "FINISH"),
    "amazon.nova-lite-v1:0": (_NOVA, _NOVA_STREAM, "end_turn"),
    "cohere.command-text-v14": (
        {"id": "r1", "generations": [{"id": "g1", "text": TEXT, "finish_reason": "COMPLETE"}]},
        _COMMAND_STREAM,
        "COMPLETE",
    ),
    "cohere.command-r-v1:0": (
        {"text": TEXT, "generation_id": "g1", "finish_reason": "COMPLETE", "chat_history": []},
        _COMMAND_R_STREAM,
        "COMPLETE",
    ),
    "ai21.j2-mid-v1": (_J2, [], "endoftext"),
    "ai21.jamba-1-5-mini-v1:0": (*choices("delta"), "stop"),
    "mistral.mistral-7b-instruct-v0:2": (
        {"outputs": [{"text": TEXT, "stop_reason": "stop"}]},
        _MISTRAL_STREAM,
        "stop",
    ),
    "mistral.mistral-large-2407-v1:0": (*choices("message", "stop_reason", "length"), "length"),
    "meta.llama3-8b-instruct-v1:0": (_LLAMA, _LLAMA_STREAM, "stop"),
    "deepseek.r1-v1:0": ({"choices": [{"text": TEXT, "stop_reason": "stop"}]}, _DEEPSEEK_STREAM, "stop"),
    "writer.palmyra-x5-v1:0": (_WRITER[0], [*_WRITER[1], "[DONE]"], "stop"),
    "openai.gpt-oss-20b-1:0": (*choices("delta"), "stop"),
    "qwen.qwen3-32b-v1:0": (*choices("delta"), "stop"),
    "newcomer.model-1": (_TITAN, _TITAN_STREAM, "FINISH"),
}
"""Model id -> its answer, the documents of its stream (none for models that do not stream), and why it stopped."""
