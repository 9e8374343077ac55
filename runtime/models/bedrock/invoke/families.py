"""What all body families share: building over the user's extras, and reading what is there.

A family is pure: `build` makes the body of a request, `parse` reads an answer, and a decoder turns the documents of a
stream into pieces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ....messages import BaseMessage, UsageMetadata
from ..counting import usage_from_headers
from ..errors import BedrockError
from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .documents import latency_in, reason_in

__all__ = ["Family", "TextFamily"]


class Family(ABC):
    """The models whose bodies have one form.

    Attributes:
        name: What the family is called.
        takes_messages: Whether it takes a conversation as such; else one is written as a prompt.
        takes_tools: Whether it can be given tools.
        can_stream: Whether its models stream.
        cuts_text: Whether answers are cut at stop strings here as well.
        stop_key: The body's key for stop strings; None where the models take none.
        reason_keys: Where an answer tells why it ended.
    """

    name: ClassVar[str]
    takes_messages: ClassVar[bool] = False
    takes_tools: ClassVar[bool] = False
    can_stream: ClassVar[bool] = True
    cuts_text: ClassVar[bool] = False
    stop_key: ClassVar[str | None] = None
    reason_keys: ClassVar[tuple[str, ...]] = ("stop_reason", "finish_reason")

    @abstractmethod
    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request; what the ask holds is not changed.

        Args:
            ask: The question.
        """

    @abstractmethod
    def parse(self, body: Any, headers: Mapping[str, Any] | None = None, *, reason_key: str | None = None) -> Answer:
        """Return what an answer says.

        Args:
            body: The answer's JSON.
            headers: Its headers, with names in lower case.
            reason_key: Where the user says that it tells why it ended.

        Raises:
            BedrockError: If the answer is no JSON object.
        """

    @abstractmethod
    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks, since other blocks may come too.
        """

    def wants_blocks(self, ask: Ask) -> bool:
        """Return whether the answer may hold more than text.

        Args:
            ask: The question.
        """
        return bool(ask.tools)

    def tool(self, tool: Mapping[str, Any]) -> dict[str, Any]:
        """Return a tool in the body's form; here OpenAI's.

        Args:
            tool: The tool, in OpenAI's form or the body's own.
        """
        return dict(tool)

    def tool_choice(self, choice: Any) -> Any:
        """Return which tool must be called, in the body's form; here as it is.

        Args:
            choice: `auto`, `any`, `none`, the name of a tool, or the body's own form.
        """
        return choice

    def stop_entry(self, ask: Ask) -> dict[str, Any]:
        """Return the body's entry for stop strings; empty without any, and where the models take none.

        Args:
            ask: The question.
        """
        key = ask.stop_key or self.stop_key
        return {key: list(ask.stop)} if ask.stop and key else {}

    def is_cut_locally(self, ask: Ask) -> bool:
        """Return whether stop strings must be found on this side.

        Args:
            ask: The question.
        """
        return bool(ask.stop) and not (ask.stop_key or self.stop_key)

    def checked(self, body: Any) -> Mapping[str, Any]:
        """Return an answer's body, which must be an object.

        Args:
            body: The answer's JSON.

        Raises:
            BedrockError: If it is something else.
        """
        if not isinstance(body, Mapping):
            raise BedrockError(
                f"The model answered with {type(body).__name__} where {self.name} models send an object; "
                "is `provider` the one that the model was made by?"
            )
        return body


class TextFamily(Family):
    """Models that take one prompt and answer with one text; a family says where both stand."""

    cuts_text = True

    @abstractmethod
    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation as the family's models were taught to read one.

        Args:
            messages: The conversation.
            model_id: The model.
        """

    @abstractmethod
    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the text of an answer or of a document of a stream, or what stands in its place.

        Args:
            body: The answer or document.
        """

    def usage_in(self, body: Mapping[str, Any]) -> UsageMetadata | None:
        """Return the tokens that an answer or a document tells; here none.

        Args:
            body: The answer or document.
        """
        return None

    def prompt_of(self, ask: Ask) -> str:
        """Return the prompt of an ask: its own, or its conversation as one.

        Args:
            ask: The question.
        """
        return ask.prompt if ask.prompt is not None else self.prompt(ask.messages or [], ask.model_id)

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
        text = self.text_in(found)
        text = text if isinstance(text, str) else ""
        own_id = found.get("id")
        return Answer(
            text=text,
            content=text,
            stop_reason=reason_in(found, reason_key, *self.reason_keys),
            usage=usage_from_headers(known) or self.usage_in(found),
            response_id=str(own_id) if isinstance(own_id, str | int) else None,
            latency_ms=latency_in(known),
        )

    def decoder(self, *, reason_key: str | None = None, as_blocks: bool = False) -> Decoder:
        """Return a reader of one streamed answer.

        Args:
            reason_key: Where the user says that it tells why it ended.
            as_blocks: Whether pieces of text are to come as blocks.
        """
        return _TextDecoder(self, (reason_key, *self.reason_keys), as_blocks=as_blocks)


class _TextDecoder(Decoder):
    def __init__(self, family: TextFamily, reason_keys: Sequence[str | None], *, as_blocks: bool) -> None:
        super().__init__(reason_keys, as_blocks=as_blocks)
        self._family = family

    def read(self, payload: Mapping[str, Any]) -> Iterator[Piece]:
        own_id = payload.get("id")
        if isinstance(own_id, str):
            self.response_id = own_id
        self.counted(self._family.usage_in(payload))
        return self.text_piece(self._family.text_in(payload))
