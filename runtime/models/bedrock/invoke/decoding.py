"""What all decoders of streams share: what a stream tells of the whole is gathered, and it ends well or not at all.

Why the answer ended, its tokens and how long it took stand on the last piece, whichever document told them. A stream
has ended when it said why, or when Bedrock's metrics came; a guardrail's replacement may come without either. Documents
and members that are not known are passed over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast

from ....messages import UsageMetadata
from ..counting import METRICS, usage_from_metrics
from ..errors import TruncatedStreamError
from ..shapes import count
from .asking import Piece
from .documents import merged, reason_in

__all__ = ["Decoder"]


class Decoder(ABC):
    """One streamed answer: documents in, pieces out.

    Args:
        reason_keys: Where a document tells why the answer ends, the preferred key first.
        as_blocks: Whether pieces of text come as blocks.
    """

    def __init__(self, reason_keys: Sequence[str | None], *, as_blocks: bool = False) -> None:
        self.reason_keys = reason_keys
        self.as_blocks = as_blocks
        self.stop_reason: str | None = None
        self.usage: UsageMetadata | None = None
        self.response_id: str | None = None
        self.model_name: str | None = None
        self.latency_ms: int | None = None
        self.first_byte_ms: int | None = None
        self.more: dict[str, Any] = {}
        self.has_ended = False
        self._has_metrics = False

    def feed(self, payload: Any) -> list[Piece]:
        """Return the pieces that a document holds; none for one that is not known.

        Args:
            payload: The document.
        """
        if not isinstance(payload, Mapping):
            self.has_ended = self.has_ended or payload == "[DONE]"
            return []
        pieces = list(self.read(payload))
        reason = self.reason_of(payload)
        if reason:
            self.stop_reason = reason
            self.has_ended = self.has_ended or self.ends_with_reason
        metrics = payload.get(METRICS)
        if isinstance(metrics, Mapping):
            self._take_metrics(metrics)
        if payload.get("amazon-bedrock-guardrailAction") == "INTERVENED":
            self.has_ended = True
        return pieces

    ends_with_reason: ClassVar[bool] = True
    """Whether the answer is whole once it said why it ended."""

    @abstractmethod
    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces that a document holds.

        Args:
            payload: The document.
        """

    def reason_of(self, payload: Mapping[str, Any]) -> str | None:
        """Return why the answer ends, if a document says so.

        Args:
            payload: The document.
        """
        return reason_in(payload, *self.reason_keys)

    def finish(self, *, is_cut: bool = False) -> list[Piece]:
        """Return the last piece, which tells of the whole answer.

        Args:
            is_cut: Whether the stream was left early on purpose, at a stop string.

        Raises:
            TruncatedStreamError: If the stream ended before the answer did.
        """
        if not self.has_ended and not is_cut:
            raise TruncatedStreamError("The stream ended before the model's answer did; what came is incomplete.")
        return [
            Piece(
                stop_reason=self.stop_reason,
                usage=self.usage,
                response_id=self.response_id,
                model_name=self.model_name,
                latency_ms=self.latency_ms,
                first_byte_ms=self.first_byte_ms,
                more=self.more,
                is_last=True,
            )
        ]

    def text_piece(self, text: Any, index: int = 0) -> Iterator[Piece]:
        """Yield a piece of text, unless there is none.

        Args:
            text: The text, or what stands in its place.
            index: The place of its block in the answer.
        """
        if isinstance(text, str) and text:
            block: dict[Any, Any] = {"type": "text", "text": text, "index": index}
            yield Piece(text=text, content=[block] if self.as_blocks else None)

    def counted(self, usage: UsageMetadata | None) -> None:
        """Keep a usage, unless the metrics have come, which count everything, or it tells nothing.

        Tokens of the input that an earlier document told stay where this one tells none.

        Args:
            usage: The usage so far.
        """
        if usage is None or self._has_metrics:
            return
        before = self.usage["input_tokens"] if self.usage else 0
        if before and not usage["input_tokens"]:
            total = before + usage["output_tokens"]
            usage = cast("UsageMetadata", {**usage, "input_tokens": before, "total_tokens": total})
        self.usage = usage

    def _take_metrics(self, metrics: Mapping[str, Any]) -> None:
        self.has_ended = True
        told = usage_from_metrics(metrics)
        if told is not None:
            details = {key: value for key, value in (self.usage or {}).items() if key.endswith("_token_details")}
            self.usage = cast("UsageMetadata", merged(details, told))
            self._has_metrics = True
        self.latency_ms = count(metrics.get("invocationLatency"))
        self.first_byte_ms = count(metrics.get("firstByteLatency"))
