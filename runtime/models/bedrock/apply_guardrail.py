"""A guardrail as a step of its own: text or messages go in, and come out checked, masked or replaced.

It works without a model: before one, after one, or around a tool. Texts of one input are looked at together, in one
call; pictures and other content that is no text pass unseen. What goes in as a text comes out as a text, messages as
messages; a stream is gathered first, since a text can only be judged whole.

Where the guardrail blocks, its own message takes the content's place, or an error is raised, by `raise_when_blocked`.
An answer that cannot be matched with the texts that were sent is an error, never passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ....tracing import names
from ....tracing.interventions import Intervention
from ....tracing.lineage import SpanFacts
from ...exceptions import GuardrailInterventionError, InvalidInputError, ModelError
from ...language_models.notices import notice, tell_notices
from ...messages import BaseMessage, convert_to_messages
from ...prompt_values import PromptValue
from ...runnables.io import Io
from ...runnables.serializable import ComposedSerializable
from .calls import Call
from .connection import BedrockConnection
from .guardrails import COMPONENT, interventions_from_apply

__all__ = ["ApplyGuardrail"]

_OPERATION: Final = "apply_guardrail"
_SAID_BESIDE: Final = frozenset({"additional_kwargs", "tool_calls", "invalid_tool_calls", "tool_call_chunks"})
"""What messages say beside their content; of a blocked one nothing is passed on, or its tools would be called."""


class ApplyGuardrail(BedrockConnection, ComposedSerializable[Any, Any]):
    """Checks text or messages with a guardrail of Amazon Bedrock.

    Args:
        guardrail_id: The guardrail's id or ARN.
        guardrail_version: Its version, digits or DRAFT.
        source: INPUT or OUTPUT: which of its policies look at the content.
        raise_when_blocked: Whether blocked content is an error; otherwise the guardrail's message is returned.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    guardrail_id: str
    guardrail_version: str
    source: Literal["INPUT", "OUTPUT"] = "INPUT"
    raise_when_blocked: bool = False

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    def span_facts(self) -> SpanFacts:
        """Return what the span of a call says."""
        attributes = {
            names.OPERATION_NAME: _OPERATION,
            names.PROVIDER_NAME: "aws.bedrock",
            names.GUARDRAIL_COMPONENT: COMPONENT,
            names.GUARDRAIL_ID: self.guardrail_id,
            names.GUARDRAIL_VERSION: self.guardrail_version,
            names.GUARDRAIL_SOURCE: self.source,
        }
        return SpanFacts(f"{_OPERATION} {COMPONENT}", attributes, "client")

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the content as the guardrail leaves it.

        Args:
            value: A text, a message, a list of messages, or a prompt value.
            io: What the run may do.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If the input is none of these.
            GuardrailInterventionError: If content is blocked and `raise_when_blocked` is set.
            ModelError: If the answer cannot be matched with the texts that were sent.
            BedrockError: If the call fails.
        """
        given = _content(value)
        texts = [given] if isinstance(given, str) else [text for message in given for text in _texts(message)]
        if not any(texts):
            return given if isinstance(value, str) else _like(value, cast("list[BaseMessage]", given))
        call = Call(_OPERATION, self._request(texts))
        answer = self.transport.call(call) if io.blocking else await self.transport.acall(call)
        found = interventions_from_apply(
            answer, source=self.source, guardrail_id=self.guardrail_id, guardrail_version=self.guardrail_version
        )
        if not found:
            return given if isinstance(value, str) else _like(value, cast("list[BaseMessage]", given))
        for intervention in found:
            notice(intervention)
        await tell_notices(io)
        outputs = [str(each.get("text", "")) for each in answer.get("outputs") or ()]
        if not _is_masked(found):
            if self.raise_when_blocked:
                raise GuardrailInterventionError(found[0])
            return _blocked(value, given, "\n".join(outputs), found[0])
        return _masked(value, given, texts, outputs)

    def _request(self, texts: Sequence[str]) -> dict[str, Any]:
        return {
            "guardrailIdentifier": self.guardrail_id,
            "guardrailVersion": self.guardrail_version,
            "source": self.source,
            "content": [{"text": {"text": text}} for text in texts if text],
        }


def _content(value: Any) -> str | list[BaseMessage]:
    """Return the text, or the messages, of an input."""
    if isinstance(value, str):
        return value
    if isinstance(value, PromptValue):
        return value.to_messages()
    if isinstance(value, BaseMessage):
        return [value]
    if isinstance(value, Sequence) and value:
        return convert_to_messages(value)
    raise InvalidInputError(f"ApplyGuardrail was given {value!r}; give a text, messages, or a prompt value.")


def _texts(message: BaseMessage) -> Iterator[str]:
    """Yield the texts of a message, in order."""
    if isinstance(message.content, str):
        yield message.content
        return
    for block in message.content:
        if isinstance(block, str):
            yield block
        elif isinstance(block.get("text"), str):
            yield block["text"]


def _replaced(message: BaseMessage, texts: Iterator[str]) -> BaseMessage:
    """Return a copy of the message with other texts, taken in order."""
    if isinstance(message.content, str):
        return message.model_copy(update={"content": next(texts)})
    blocks: list[Any] = []
    for block in message.content:
        if isinstance(block, str):
            blocks.append(next(texts))
        else:
            blocks.append({**block, "text": next(texts)} if isinstance(block.get("text"), str) else block)
    return message.model_copy(update={"content": blocks})


def _like(value: Any, messages: list[BaseMessage]) -> Any:
    """Return messages in the form of the input: one for one."""
    return messages[0] if isinstance(value, BaseMessage) else messages


def _is_masked(found: Sequence[Intervention]) -> bool:
    """Return whether content was masked and nothing else was done; what is not understood counts as blocked."""
    actions = {each.action for one in found for each in one.assessments if each.acted}
    return actions == {"ANONYMIZED"}


def _masked(value: Any, given: str | list[BaseMessage], texts: Sequence[str], outputs: Sequence[str]) -> Any:
    sent = sum(1 for text in texts if text)
    if len(outputs) != sent:
        raise ModelError(
            f"The guardrail masked content but answered {len(outputs)} texts for {sent}, so they cannot be matched; "
            "give it one text or message at a time."
        )
    fresh = iter(outputs)
    filled = iter([next(fresh) if text else text for text in texts])
    if isinstance(given, str):
        return next(filled)
    return _like(value, [_replaced(message, filled) for message in given])


def _blocked(value: Any, given: str | list[BaseMessage], text: str, intervention: Intervention) -> Any:
    """Return the guardrail's message; among messages it takes the place of all, in the form of the last one."""
    if isinstance(given, str):
        return text
    told: Mapping[str, Any] = {"action": intervention.action, "reason": intervention.action_reason}
    last = given[-1]
    metadata = {**last.response_metadata, "guardrail": dict(told)}
    empty = {name: type(held)() for name, held in last if name in _SAID_BESIDE}
    return _like(value, [last.model_copy(update={**empty, "content": text, "response_metadata": metadata})])
