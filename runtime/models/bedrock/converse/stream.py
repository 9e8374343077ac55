"""The events of ConverseStream, as chunks of a message.

Texts, reasoning and the arguments of calls are given as they come, each with the index of its block, so that blocks
may interleave. What only makes sense whole (hidden reasoning, images, answers of tools that the service ran) is given
when its block ends. The stop reason waits for the counts, so that the last chunk tells all that is known of the
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ....messages import AIMessageChunk
from ....messages.tool_calls import tool_call_chunk
from ..calls import Event
from ..counting import usage_from_converse
from ..errors import TruncatedStreamError
from ..shapes import count, object_of, objects_of, text_of
from .answer import PROVIDER, message_block, with_one_latency
from .keys import snake_keys

__all__ = ["ConverseDecoder", "is_output"]

_BEFORE_OUTPUT = "messageStart"
_Block = dict[str, Any]


def is_output(event: Event) -> bool:
    """Return whether an event brings output: everything but the start of the message does.

    Args:
        event: The event.
    """
    return event[0] != _BEFORE_OUTPUT


class ConverseDecoder:
    """Reads one stream: events in, chunks out.

    Attributes:
        is_done: Whether the last chunk was given.

    Args:
        model_name: The model that was asked.
        profile_id: The application inference profile through which it was asked, if any.
        head: The answer without the stream, for its `ResponseMetadata`.
    """

    def __init__(
        self, model_name: str, profile_id: str | None = None, *, head: Mapping[str, Any] | None = None
    ) -> None:
        self.is_done = False
        self._about: dict[str, Any] = {"model_name": model_name}
        if profile_id is not None:
            self._about["inference_profile_id"] = profile_id
        self._request: Mapping[str, Any] = (head or {}).get("ResponseMetadata") or {}
        if self._request:
            self._about["ResponseMetadata"] = self._request
        self._stopped: dict[str, Any] | None = None
        self._counted: Mapping[str, Any] | None = None
        self._open: dict[int, _Block] = {}

    def feed(self, event: Event) -> list[AIMessageChunk]:
        """Return the chunks that an event gives; none for one that is not known.

        Args:
            event: The event's name and content.
        """
        name, content = event
        read = _READERS.get(name)
        return read(self, content) if read is not None and isinstance(content, Mapping) else []

    def finish(self) -> list[AIMessageChunk]:
        """Return the chunks that are still due at the stream's end.

        Raises:
            TruncatedStreamError: If the stream ended before the model said why it stopped.
        """
        if self._stopped is None:
            raise TruncatedStreamError(
                "The stream of Converse ended before its messageStop; the answer is incomplete. Ask again.",
                request_id=self._request.get("RequestId"),
                status=self._request.get("HTTPStatusCode"),
            )
        return self._rest() + ([] if self.is_done else [self._last()])

    def told(self) -> dict[str, Any]:
        """Return what was told of the answer besides its content, as an answer of `converse` has it."""
        return {**(self._counted or {}), **(self._stopped or {})}

    def _message_start(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        return [_chunk([])]

    def _block_start(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        index, start = _place(content), object_of(content.get("start"))
        use = start.get("toolUse")
        if isinstance(use, Mapping):
            named = {"name": text_of(use.get("name")), "id": text_of(use.get("toolUseId"))}
            if use.get("type") == "server_tool_use":
                self._open[index] = {"server_tool_use": True}
                return [_chunk([{"type": "server_tool_use", **named, "index": index}])]
            piece = tool_call_chunk(**named, index=index)
            return [_chunk([{"type": "tool_use", **named, "index": index}], tool_call_chunks=[piece])]
        for kind in ("toolResult", "image"):
            if isinstance(start.get(kind), Mapping):
                self._open[index] = {kind: dict(start[kind])}
        return []

    def _block_delta(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        index, delta = _place(content), object_of(content.get("delta"))
        for kind, value in delta.items():
            read, needed = _DELTAS.get(kind, (None, object))
            if read is not None and isinstance(value, needed):
                return read(self, value, index)
        # Without an index, since nobody can say how pieces of an unknown kind would join.
        return [_chunk([{"type": "non_standard", "value": dict(delta)}])] if delta else []

    def _text(self, value: str, index: int) -> list[AIMessageChunk]:
        return [AIMessageChunk.fast([{"type": "text", "text": value, "index": index}], None, dict(_SAID))]

    def _arguments(self, value: Mapping[str, Any], index: int) -> list[AIMessageChunk]:
        text = text_of(value.get("input")) or ""
        if "server_tool_use" in self._open.get(index, {}):
            return [_chunk([{"type": "server_tool_use", "input": text, "index": index}])]
        piece = tool_call_chunk(args=text, index=index)
        return [_chunk([{"type": "tool_use", "input": text, "id": None, "index": index}], tool_call_chunks=[piece])]

    def _reasoning(self, value: Mapping[str, Any], index: int) -> list[AIMessageChunk]:
        hidden = value.get("redactedContent")
        if isinstance(hidden, bytes):
            held = self._open.setdefault(index, {"reasoningContent": {"redactedContent": b""}})
            held["reasoningContent"]["redactedContent"] += hidden
            return []
        return [_chunk([{"type": "reasoning_content", "reasoning_content": snake_keys(value), "index": index}])]

    def _citation(self, value: Mapping[str, Any], index: int) -> list[AIMessageChunk]:
        return [_chunk([{"type": "text", "text": "", "citations": [snake_keys(value)], "index": index}])]

    def _result(self, value: Any, index: int) -> list[AIMessageChunk]:
        held = self._open.setdefault(index, {"toolResult": {}})["toolResult"]
        held["content"] = [*objects_of(held.get("content")), *value]
        return []

    def _image(self, value: Mapping[str, Any], index: int) -> list[AIMessageChunk]:
        held = self._open.setdefault(index, {"image": {}})["image"]
        source = {**held.get("source", {}), **object_of(value.get("source"))}
        if "bytes" in held.get("source", {}) and "bytes" in source:
            source["bytes"] = held["source"]["bytes"] + source["bytes"]
        held |= {**value, "source": source}
        return []

    def _block_stop(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        whole = self._whole(_place(content))
        return [whole or _chunk([])]

    def _message_stop(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        self._stopped = dict(content)
        return self._rest() + ([self._last()] if self._counted is not None else [])

    def _metadata(self, content: Mapping[str, Any]) -> list[AIMessageChunk]:
        self._counted = content
        return [self._last()] if self._stopped is not None and not self.is_done else []

    def _last(self) -> AIMessageChunk:
        self.is_done = True
        stopped, counted = self._stopped or {}, dict(self._counted or {})
        usage = counted.pop("usage", None)
        if "metrics" in counted:
            counted["metrics"] = with_one_latency(counted["metrics"])
        return AIMessageChunk(
            content=[],
            response_metadata={**_SAID, **self._about, **stopped, **counted},
            usage_metadata=usage_from_converse(usage, stopped.get("additionalModelResponseFields")),
            chunk_position="last",
        )

    def _rest(self) -> list[AIMessageChunk]:
        """Return the blocks that were never ended."""
        return [whole for index in list(self._open) if (whole := self._whole(index)) is not None]

    def _whole(self, index: int) -> AIMessageChunk | None:
        held = self._open.pop(index, None)
        if held is None or "server_tool_use" in held:
            return None
        return _chunk([{**message_block(held), "index": index}])


_SAID: Final = {"model_provider": PROVIDER}
_READERS: Final[Mapping[str, Callable[[ConverseDecoder, Mapping[str, Any]], list[AIMessageChunk]]]] = {
    "messageStart": ConverseDecoder._message_start,
    "contentBlockStart": ConverseDecoder._block_start,
    "contentBlockDelta": ConverseDecoder._block_delta,
    "contentBlockStop": ConverseDecoder._block_stop,
    "messageStop": ConverseDecoder._message_stop,
    "metadata": ConverseDecoder._metadata,
}
_DELTAS: Final[Mapping[str, tuple[Callable[[ConverseDecoder, Any, int], list[AIMessageChunk]], type[Any]]]] = {
    "text": (ConverseDecoder._text, str),
    "toolUse": (ConverseDecoder._arguments, Mapping),
    "toolResult": (ConverseDecoder._result, list),
    "reasoningContent": (ConverseDecoder._reasoning, Mapping),
    "citation": (ConverseDecoder._citation, Mapping),
    "image": (ConverseDecoder._image, Mapping),
}


def _place(content: Mapping[str, Any]) -> int:
    return count(content.get("contentBlockIndex")) or 0


def _chunk(content: list[_Block], **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=list(content), response_metadata=dict(_SAID), **fields)
