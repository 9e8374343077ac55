"""One answer of InvokeModel, read: events or a whole body in, pieces or an answer out, cut at stop strings.

Stop strings are literals. Where a family takes none they are cut here and the rest of the stream need not be read;
where the service was given them they are cut too, in case it leaves one in, and the stream is read to its end, which
tells the usage. What a guardrail did is gathered for whoever drives the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .....tracing.interventions import Intervention
from ...stopping import StopCutter, cut_at_stop
from ..calls import Event
from ..errors import BedrockError
from ..guardrails import GuardrailSettings, interventions_from_invoke
from ..shapes import object_of
from .asking import Answer, Ask, Piece
from .families import Family

__all__ = ["CUT", "GUARDRAIL_ACTION", "Reading"]

CUT = "stop_sequence"
"""The stop reason of an answer that was cut on this side."""

GUARDRAIL_ACTION = "amazon-bedrock-guardrailAction"
"""The body's key that says whether a guardrail intervened."""

_GUARDRAIL_KEYS = (GUARDRAIL_ACTION, "amazon-bedrock-trace")


class Reading:
    """One answer being read.

    Args:
        family: The model's family.
        ask: What was asked.
        reason_key: Where the user says that an answer tells why it ended.
        guardrail: The guardrail that was asked for.

    Attributes:
        interventions: What guardrails did, until somebody takes it away.
        guarded: What the answer told of guardrails, under its own keys.
    """

    def __init__(
        self,
        family: Family,
        ask: Ask,
        *,
        reason_key: str | None = None,
        guardrail: GuardrailSettings | None = None,
    ) -> None:
        self._family, self._ask, self._reason_key, self._guardrail = family, ask, reason_key, guardrail
        self._decoder = family.decoder(reason_key=reason_key, as_blocks=family.wants_blocks(ask))
        self._is_cut_locally = family.is_cut_locally(ask)
        self._is_cut = bool(ask.stop) and (family.cuts_text or self._is_cut_locally)
        self._cutter = StopCutter(ask.stop if self._is_cut else None)
        self._left_out = 0
        self.interventions: list[Intervention] = []
        self.guarded: dict[str, Any] = {}

    @property
    def is_done(self) -> bool:
        """Whether the rest of the stream need not be read."""
        return self._is_cut_locally and self._cutter.is_stopped

    @property
    def response_id(self) -> str | None:
        """The provider's id of the answer, as soon as it is known."""
        return self._decoder.response_id

    def taken(self) -> list[Intervention]:
        """Return the interventions gathered since the last time, which are then no longer kept."""
        found, self.interventions = self.interventions, []
        return found

    def is_token(self, event: Event) -> bool:
        """Return whether an event brings output, judged by itself.

        Args:
            event: The event.

        Raises:
            ModelStreamError: If the model says that it failed, so that it is asked again.
        """
        return bool(self._family.decoder().feed(_payload(event)))

    def feed(self, event: Event) -> list[Piece]:
        """Return the pieces that an event brings; none for one that is not known.

        Args:
            event: The event.

        Raises:
            ModelStreamError: If the model says that it failed.
        """
        payload = _payload(event)
        self._watch(payload)
        pieces = self._decoder.feed(payload)
        return [cut for piece in pieces if (cut := self._shortened(piece))] if self._is_cut else pieces

    def _shortened(self, piece: Piece) -> Piece | None:
        """Return the piece without what stands at or behind a stop string, or None if nothing is left."""
        if piece.content is not None or not piece.text:
            return piece
        text = self._cutter.feed(piece.text)
        self._left_out += len(piece.text) - len(text)
        return replace(piece, text=text) if text else None

    def end(self) -> Iterator[Piece]:
        """Yield what was held back, then the last piece.

        Raises:
            TruncatedStreamError: If the stream ended before the answer did; it comes after what was held back.
        """
        rest = self._cutter.finish() if self._is_cut else ""
        if rest:
            yield Piece(text=rest)
        is_shorter = self._is_cut_locally and len(rest) < self._left_out
        for piece in self._decoder.finish(is_cut=is_shorter):
            yield replace(piece, stop_reason=CUT) if is_shorter else piece

    def whole(self, body: bytes, headers: Mapping[str, Any]) -> Answer:
        """Return a whole answer.

        Args:
            body: Its body.
            headers: Its headers, with names in lower case.

        Raises:
            BedrockError: If the body is no JSON object.
        """
        try:
            found = json.loads(body)
        except ValueError as error:
            raise BedrockError(
                f"The model answered with {len(body)} bytes that are no JSON ({error}); nothing can be read from it."
            ) from error
        self._watch(found)
        answer = self._family.parse(found, headers, reason_key=self._reason_key)
        text = cut_at_stop(answer.text, self._ask.stop) if self._is_cut else answer.text
        if text == answer.text or not isinstance(answer.content, str):
            return answer
        reason = CUT if self._is_cut_locally else answer.stop_reason
        return replace(answer, text=text, content=text, stop_reason=reason)

    def _watch(self, payload: Any) -> None:
        """Note what a document tells of guardrails."""
        told = object_of(payload)
        if not any(key in told for key in _GUARDRAIL_KEYS):
            return
        self.guarded.update({key: told[key] for key in _GUARDRAIL_KEYS if key in told})
        asked = self._guardrail
        self.interventions += interventions_from_invoke(
            told,
            guardrail_id=asked.guardrail_id if asked else None,
            guardrail_version=asked.version if asked else None,
        )


def _payload(event: Event) -> Any:
    """Return the document of an event; None for an event or a document that is not known."""
    name, content = event
    data = content.get("bytes") if name == "chunk" else None
    try:
        return json.loads(data) if isinstance(data, bytes | str) else None
    except ValueError:
        return None
