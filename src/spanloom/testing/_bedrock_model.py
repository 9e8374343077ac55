"""The model behind the Bedrock test server: what it answers to a question, whatever the wire format.

The same question always gets the same answer: sentences of the context that share most words with the question, else an
echo of its key words. A text that says `call weather` calls the tool `weather` when it was offered, with the JSON
object that follows, or else with arguments made from the tool's schema; several tools may be called so. Tokens are
words.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._answers import answer_messages, tokens_of

__all__ = ["Block", "Question", "Reply", "pieces_of", "reply_to", "token_count"]

Block = dict[str, Any]
"""A content block in Converse's form, the neutral one here."""

_CALL = re.compile(r"\bcall\s+(?:the\s+tool\s+)?[`'\"]?([A-Za-z0-9_-]+)[`'\"]?\s*", re.IGNORECASE)
_ANY = "*"
_DEEPEST = 6
_PIECE_CHARACTERS = 12
"""JSON is streamed in pieces of this length, which no value respects."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks, read from any family's body."""

    texts: tuple[tuple[str, str], ...]
    """Pairs of a role (system, user, assistant) and a text, in order; the last is the question."""
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Names of the offered tools, with the JSON schemas of their arguments."""
    forced_tool: str | None = None
    """The tool that must be called; `*` is any."""
    tool_results: str | None = None
    """What the tools of the turn before have said."""
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    is_thinking: bool = False
    guarded: tuple[str, ...] | None = None
    """The only texts that a guardrail looks at; None is all of them."""

    @property
    def input_tokens(self) -> int:
        """The words of all texts."""
        return sum(token_count(text) for _, text in self.texts) + token_count(self.tool_results or "")

    def rewritten(self, changes: Mapping[str, str]) -> "Question":
        """Return the question with passages of its texts changed.

        Args:
            changes: Passages, with what stands in their place.
        """
        texts = list(self.texts)
        for old, new in changes.items():
            texts = [(role, text.replace(old, new) if old else text) for role, text in texts]
        return replace(self, texts=tuple(texts))

    def guarding(self, passages: Sequence[str]) -> "Question":
        """Return the question with the only passages that a guardrail looks at.

        Args:
            passages: The passages.
        """
        return replace(self, guarded=tuple(passages))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says; `stop` in Converse's words."""

    blocks: tuple[Block, ...]
    stop: str
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        """All text blocks as one text."""
        return "".join(block["text"] for block in self.blocks if "text" in block)

    @property
    def total_tokens(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens

    def with_text(self, text: str, stop: str) -> "Reply":
        """Return the reply with one text in place of all its blocks.

        Args:
            text: The text.
            stop: Why the reply ends.
        """
        return replace(self, blocks=({"text": text},), stop=stop, output_tokens=token_count(text))


def token_count(text: str) -> int:
    """Return how many tokens a text has: its words, and each Chinese or Japanese character.

    Args:
        text: The text.
    """
    return len(tokens_of(text))


def pieces_of(text: str) -> list[str]:
    """Return JSON text cut for a stream.

    Args:
        text: The text.
    """
    return [text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS)]


def reply_to(question: Question, blocks: list[Block] | None = None) -> Reply:
    """Return the answer to a question.

    Args:
        question: The question.
        blocks: What to say, in Converse's form; made from the question by default.
    """
    said = _blocks(question) if blocks is None else blocks
    output = [*said]
    stop, stop_sequence = "tool_use" if any("toolUse" in block for block in said) else "end_turn", None
    if output and "text" in output[-1]:
        text, stop, stop_sequence = _cut(output[-1]["text"], question)
        output[-1] = {"text": text}
    spoken = sum(_block_tokens(block) for block in output)
    return Reply(tuple(output), stop, question.input_tokens, spoken, stop_sequence)


def _blocks(question: Question) -> list[Block]:
    asked = question.texts[-1][1] if question.texts else ""
    blocks: list[Block] = []
    if question.is_thinking:
        thought = {"text": f"The user wants: {asked}", "signature": "c2lnbmF0dXJl"}
        blocks.append({"reasoningContent": {"reasoningText": thought}})
    calls = [] if question.tool_results is not None else _calls(question, asked)
    if calls:
        return blocks + calls
    if question.tool_results is not None:
        return [*blocks, {"text": f"The tools said: {question.tool_results}"}]
    system = [{"role": "system", "content": text} for role, text in question.texts[:-1] if role == "system"]
    return [*blocks, {"text": answer_messages([*system, {"role": "user", "content": asked}])}]


def _calls(question: Question, asked: str) -> list[Block]:
    names = [(match[1], match.end()) for match in _CALL.finditer(asked) if match[1] in question.tools]
    if not names and question.forced_tool is not None and question.tools:
        forced = next(iter(question.tools)) if question.forced_tool == _ANY else question.forced_tool
        names = [(forced, len(asked))]
    calls: list[Block] = []
    for number, (name, end) in enumerate(names, 1):
        given = _json_object(asked[end:])
        schema = question.tools.get(name, {})
        arguments = _made_from(schema, asked, schema.get("$defs", {})) if given is None else given
        calls.append({"toolUse": {"toolUseId": f"tooluse_{name[:40]}_{number}", "name": name, "input": arguments}})
    return calls


def _json_object(text: str) -> dict[str, Any] | None:
    begin = text.find("{")
    if begin < 0 or (text[:begin].strip().lower() not in ("", "with", "with arguments", "with:", ":")):
        return None
    try:
        value = json.JSONDecoder().raw_decode(text, begin)[0]
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _made_from(schema: Mapping[str, Any], asked: str, definitions: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a value that a JSON schema allows; a schema that contains itself is left at a few levels."""
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return _made_from(schema[choice][0], asked, definitions, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        parts = schema.get("properties", {})
        return {name: _made_from(part, asked, definitions, depth + 1) for name, part in parts.items()}
    if kind == "array":
        return [_made_from(schema.get("items", {"type": "string"}), asked, definitions, depth + 1)]
    simple = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.0), "boolean": True, "null": None}
    return simple[kind] if kind in simple else asked.strip()


def _cut(text: str, question: Question) -> tuple[str, str, str | None]:
    """Return a text as far as the question allows, why it ends, and the stop sequence that ended it."""
    stop, stop_sequence = "end_turn", None
    found = [(text.find(sequence), sequence) for sequence in question.stops if sequence and sequence in text]
    if found:
        at, stop_sequence = min(found)
        text, stop = text[:at], "stop_sequence"
    tokens = tokens_of(text)
    if question.max_tokens is not None and len(tokens) > question.max_tokens:
        return "".join(tokens[: question.max_tokens]), "max_tokens", None
    return text, stop, stop_sequence


def _block_tokens(block: Block) -> int:
    if "text" in block:
        return token_count(block["text"])
    if "toolUse" in block:
        return token_count(json.dumps(block["toolUse"].get("input", {})))
    return token_count(str(block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")))
