"""A body format of InvokeModel: how a body is read as a question, and a reply written as a body or as chunks.

Bodies follow the providers' published formats; only keys that Bedrock is known to demand or to refuse are checked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._bedrock_model import Question, Reply
from ._bedrock_script import Refusal

__all__ = ["Family", "Json", "stop_of"]

Json = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class Family:
    """One format: its name, the keys its bodies must have, and how it is read and written."""

    name: str
    required: tuple[str, ...]
    question: Callable[[Json], Question]
    whole: Callable[[Reply, Json], Json]
    """Writes a reply as a body; the other argument is the request's body."""
    chunks: Callable[[Reply, Json], Iterable[Json]] | None
    """Writes a reply as the documents of a stream; None when the family has no streaming."""
    refused: tuple[str, ...] = ()
    """Keys that the provider refuses."""
    end: str | None = None
    """A text that follows the last document of a stream."""

    def read(self, body: Any) -> Question:
        """Return what a body asks.

        Args:
            body: The body.

        Raises:
            Refusal: If it is not a body of this family.
        """
        if not isinstance(body, dict):
            raise _malformed("expected a JSON object")
        for key in self.required:
            if key not in body:
                raise _malformed(f"#: required key [{key}] not found")
        for key in self.refused:
            if key in body:
                raise _malformed(f"#: extraneous key [{key}] is not permitted")
        try:
            return self.question(body)
        except (KeyError, TypeError, AttributeError, IndexError) as err:
            raise _malformed(f"{type(err).__name__}: {err}") from err


def stop_of(reply: Reply, names: Mapping[str, str]) -> str:
    """Return why a reply ended, in a family's words.

    Args:
        reply: The reply.
        names: The family's words by those of Converse; that of `end_turn` is for all others.
    """
    return names.get(reply.stop, names["end_turn"])


def _malformed(why: str) -> Refusal:
    return Refusal("ValidationException", f"Malformed input request: {why}, please reformat your input and try again.")
