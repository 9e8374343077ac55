"""Guardrails of the Bedrock test server: words that block, topics that are denied, patterns that are masked.

A guardrail looks at the input, then at the output. Blocked input never reaches the model; blocked output is replaced.
Where a text names blocked things and masked ones, blocking wins. The figures of `invocationMetrics` are made up, but
stable: one unit per thousand characters of every policy that the guardrail has.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._bedrock_model import Block, Question, Reply, reply_to

__all__ = ["NOT_GUARDED", "Check", "Guarded", "Guardrail", "ask_guarded", "reason_of"]


_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")
_MESSAGE = "Sorry, the model cannot answer this question."
_LATENCY_MS = 7


@dataclass(frozen=True, slots=True)
class Check:
    """What a guardrail found in some texts."""

    action: str
    """NONE, BLOCKED or ANONYMIZED."""
    assessment: dict[str, Any]
    texts: tuple[str, ...]
    """The texts with what is masked; unchanged ones when the action is BLOCKED."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One guardrail. Words and topics are looked for without regard to case."""

    id: str
    version: str
    blocked_words: Sequence[str] = ()
    masked: Mapping[str, str] = field(default_factory=dict)
    """Regular expressions, with the placeholder that replaces what they find, such as `{EMAIL}`."""
    topics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of denied topics, with the words that tell them."""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Types of harmful content, such as VIOLENCE, with the words that tell them."""
    blocked_message: str = _MESSAGE
    blocked_output_message: str | None = None

    @classmethod
    def of(cls, order: Any) -> "Guardrail":
        """Return the guardrail that a test describes.

        Args:
            order: Its JSON object.

        Raises:
            ValueError: If it has unknown keys, lacks `id` or `version`, or a pattern is not a regular expression.
        """
        try:
            guardrail = cls(**order)
            for pattern in guardrail.masked:
                re.compile(pattern)
        except (TypeError, re.error) as err:
            raise ValueError(f"a guardrail cannot be made from {order!r}: {err}") from err
        return guardrail

    def message(self, *, of_output: bool) -> str:
        """Return what is said in place of blocked content.

        Args:
            of_output: Whether the output was blocked rather than the input.
        """
        return (self.blocked_output_message if of_output else None) or self.blocked_message

    def check(self, texts: Sequence[str]) -> Check:
        """Return what the guardrail finds in texts.

        Args:
            texts: The texts to look at.
        """
        whole = "\n".join(texts)
        lowered = whole.lower()
        denied = [name for name, words in self.topics.items() if any(word.lower() in lowered for word in words)]
        harmful = [kind for kind, words in self.filters.items() if any(word.lower() in lowered for word in words)]
        matches = [match[0] for word in self.blocked_words if (match := _word(word).search(whole))]
        sensitive = {(pattern, match) for pattern in self.masked for match in _found(pattern, whole)}
        assessment: dict[str, Any] = {}
        if denied:
            assessment["topicPolicy"] = {"topics": [{"name": name, "type": "DENY", **_BLOCKED} for name in denied]}
        if harmful:
            strength = {"confidence": "HIGH", "filterStrength": "HIGH"}
            assessment["contentPolicy"] = {"filters": [{"type": kind, **strength, **_BLOCKED} for kind in harmful]}
        if matches:
            words = [{"match": match, **_BLOCKED} for match in matches]
            assessment["wordPolicy"] = {"customWords": words, "managedWordLists": []}
        if sensitive:
            assessment["sensitiveInformationPolicy"] = self._sensitive(sorted(sensitive))
        assessment["invocationMetrics"] = self._metrics(len(whole))
        if denied or harmful or matches:
            return Check("BLOCKED", assessment, tuple(texts))
        masked = tuple(self.mask(text) for text in texts)
        return Check("ANONYMIZED" if sensitive else "NONE", assessment, masked)

    def mask(self, text: str) -> str:
        """Return a text with what is sensitive replaced.

        Args:
            text: The text.
        """
        for pattern, placeholder in self.masked.items():
            text = re.sub(pattern, placeholder.replace("\\", r"\\"), text)
        return text

    def usage(self, characters: int) -> dict[str, int]:
        """Return the units of every policy that looking at a text takes.

        Args:
            characters: The text's length.
        """
        units = max(1, -(-characters // 1000))
        return {
            "topicPolicyUnits": units if self.topics else 0,
            "contentPolicyUnits": units if self.filters else 0,
            "wordPolicyUnits": units if self.blocked_words else 0,
            "sensitiveInformationPolicyUnits": units if self.masked else 0,
            "sensitiveInformationPolicyFreeUnits": 0,
            "contextualGroundingPolicyUnits": 0,
        }

    def _sensitive(self, found: list[tuple[str, str]]) -> dict[str, Any]:
        entities: list[dict[str, Any]] = []
        regexes: list[dict[str, Any]] = []
        for pattern, match in found:
            placeholder = _PLACEHOLDER.fullmatch(self.masked[pattern])
            entry = {"match": match, "action": "ANONYMIZED", "detected": True}
            if placeholder and placeholder[1] in _PII_TYPES:
                entities.append({"type": placeholder[1], **entry})
            else:
                regexes.append(
                    {"name": placeholder[1] if placeholder else self.masked[pattern], "regex": pattern, **entry}
                )
        return {"piiEntities": entities, "regexes": regexes}

    def _metrics(self, characters: int) -> dict[str, Any]:
        return {
            "guardrailProcessingLatency": _LATENCY_MS,
            "usage": self.usage(characters),
            "guardrailCoverage": {"textCharacters": {"guarded": characters, "total": characters}},
        }


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a guardrail did with one question and its answer; without a guardrail nothing."""

    guardrail: Guardrail | None = None
    input: Check | None = None
    output: Check | None = None
    model_output: tuple[str, ...] = ()

    @property
    def intervened(self) -> bool:
        """Whether something was blocked or masked."""
        return any(check is not None and check.action != "NONE" for check in (self.input, self.output))

    @property
    def reason(self) -> str:
        """The `actionReason`."""
        actions = {check.action for check in (self.input, self.output) if check is not None}
        return "Guardrail blocked." if "BLOCKED" in actions else reason_of("ANONYMIZED" if self.intervened else "NONE")

    def body_keys(self, *, with_trace: bool) -> dict[str, Any]:
        """Return the keys that InvokeModel adds to a provider's body.

        Args:
            with_trace: Whether the request asks for the trace.
        """
        if self.guardrail is None:
            return {}
        keys: dict[str, Any] = {"amazon-bedrock-guardrailAction": "INTERVENED" if self.intervened else "NONE"}
        if with_trace:
            trace: dict[str, Any] = {"actionReason": self.reason, "modelOutput": list(self.model_output)}
            if self.input is not None:
                trace["input"] = {self.guardrail.id: self.input.assessment}
            if self.output is not None:
                trace["outputs"] = [{self.guardrail.id: self.output.assessment}]
            keys["amazon-bedrock-trace"] = {"guardrail": trace}
        return keys

    def converse_trace(self) -> dict[str, Any]:
        """Return the `trace` of Converse."""
        if self.guardrail is None:
            return {}
        trace: dict[str, Any] = {"actionReason": self.reason, "modelOutput": list(self.model_output)}
        if self.input is not None:
            trace["inputAssessment"] = {self.guardrail.id: self.input.assessment}
        if self.output is not None:
            trace["outputAssessments"] = {self.guardrail.id: [self.output.assessment]}
        return {"guardrail": trace}


NOT_GUARDED = Guarded()
"""What happens without a guardrail."""


def reason_of(action: str) -> str:
    """Return the `actionReason` of an action.

    Args:
        action: NONE, BLOCKED or ANONYMIZED.
    """
    return {"BLOCKED": "Guardrail blocked.", "ANONYMIZED": "Guardrail masked."}.get(action, "No action.")


def ask_guarded(question: Question, guardrail: Guardrail | None, blocks: list[Block] | None) -> tuple[Reply, Guarded]:
    """Return the answer to a question and what a guardrail did with both.

    Masked output ends with `guardrail_intervened`, as blocked input and output do; masked input alone does not.

    Args:
        question: The question.
        guardrail: The guardrail; None lets everything pass.
        blocks: What the model says; made from the question by default.
    """
    if guardrail is None:
        return reply_to(question, blocks), NOT_GUARDED
    looked_at = tuple(text for _, text in question.texts) if question.guarded is None else question.guarded
    before = guardrail.check(looked_at)
    if before.action == "BLOCKED":
        message = guardrail.message(of_output=False)
        silent = Reply(({"text": message},), "guardrail_intervened", question.input_tokens, 0)
        return silent, Guarded(guardrail, before)
    reply = reply_to(question.rewritten(dict(zip(looked_at, before.texts, strict=True))), blocks)
    after = guardrail.check([reply.text])
    guarded = Guarded(guardrail, before, after, (reply.text,))
    if after.action == "BLOCKED":
        return reply.with_text(guardrail.message(of_output=True), "guardrail_intervened"), guarded
    if after.action == "ANONYMIZED":
        masked = [{"text": guardrail.mask(b["text"])} if "text" in b else b for b in reply.blocks]
        return replace(reply, blocks=tuple(masked), stop="guardrail_intervened"), guarded
    return reply, guarded


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


def _found(pattern: str, text: str) -> list[str]:
    return [match[0] for match in re.finditer(pattern, text)]


_BLOCKED: Mapping[str, Any] = {"action": "BLOCKED", "detected": True}
_PII_TYPES = frozenset(
    [
        "ADDRESS",
        "AGE",
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "CA_HEALTH_NUMBER",
        "CA_SOCIAL_INSURANCE_NUMBER",
        "CREDIT_DEBIT_CARD_CVV",
        "CREDIT_DEBIT_CARD_EXPIRY",
        "CREDIT_DEBIT_CARD_NUMBER",
        "DRIVER_ID",
        "EMAIL",
        "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
        "IP_ADDRESS",
        "LICENSE_PLATE",
        "MAC_ADDRESS",
        "NAME",
        "PASSWORD",
        "PHONE",
        "PIN",
        "SWIFT_CODE",
        "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
        "UK_NATIONAL_INSURANCE_NUMBER",
        "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
        "URL",
        "USERNAME",
        "US_BANK_ACCOUNT_NUMBER",
        "US_BANK_ROUTING_NUMBER",
        "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
        "US_PASSPORT_NUMBER",
        "US_SOCIAL_SECURITY_NUMBER",
        "VEHICLE_IDENTIFICATION_NUMBER",
    ]
)
