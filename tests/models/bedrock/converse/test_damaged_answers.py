"""Answers of Converse whose members are missing, null or of another type: they are read as far as they go."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from spanloom.runtime.messages import AIMessageChunk
from spanloom.runtime.models.bedrock.converse.answer import parse_answer
from spanloom.runtime.models.bedrock.converse.stream import ConverseDecoder
from spanloom.runtime.models.bedrock.errors import TruncatedStreamError

ANSWER: dict[str, Any] = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"text": "a"},
                {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}},
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}], "status": "success"}},
                {"reasoningContent": {"reasoningText": {"text": "r", "signature": "s"}}},
                {"citationsContent": {"content": [{"text": "c"}], "citations": [{"title": "T"}]}},
                {"image": {"format": "png", "source": {"bytes": b"x"}}},
                {"guardContent": {"text": {"text": "g"}}},
            ],
        }
    },
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 1,
        "outputTokens": 2,
        "totalTokens": 3,
        "cacheReadInputTokens": 4,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 4}],
    },
    "metrics": {"latencyMs": 5},
    "trace": {"guardrail": {"inputAssessment": {}}},
}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": {"title": "T"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "b"}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"reasoningContent": {"text": "r"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"reasoningContent": {"redactedContent": b"x"}}}),
    ("contentBlockStart", {"contentBlockIndex": 4, "start": {"toolResult": {"toolUseId": "t1"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 4, "delta": {"toolResult": [{"text": "r"}]}}),
    ("contentBlockStart", {"contentBlockIndex": 5, "start": {"image": {"format": "png"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 5, "delta": {"image": {"source": {"bytes": b"x"}}}}),
    ("contentBlockStop", {"contentBlockIndex": 5}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": ANSWER["usage"], "metrics": {"latencyMs": 5}, "trace": ANSWER["trace"]}),
]
WRONG: list[Any] = [None, 5, "text", [], {}, [None], {"x": None}, True, b"x"]


def damaged(value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield copies of a value in which one member is something else, or is missing; and where that is."""
    for place, owner, key in _members(value, ()):
        for wrong in [*WRONG, ...]:
            memo: dict[int, Any] = {}
            made = copy.deepcopy(value, memo)
            if wrong is ...:
                del memo[id(owner)][key]
            else:
                memo[id(owner)][key] = wrong
            yield (*place, wrong), made


def _members(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield (*place, key), value, key
        yield from _members(member, (*place, key))


@pytest.mark.row("X.07")
def test_an_answer_with_a_damaged_member_is_a_message() -> None:
    """Whatever stands in whatever place, the rest of the answer is read, and its content can be looked at."""
    for place, answer in damaged(ANSWER):
        message = parse_answer(answer, "m")
        assert isinstance(message.content_blocks, list), place
        if place[0] not in ("output", "usage"):
            assert message.text.startswith("a"), place


@pytest.mark.row("X.07")
def test_a_stream_with_a_damaged_event_gives_chunks_that_can_be_summed() -> None:
    """One event that is not as it should be costs no other; without a stop it is a broken stream."""
    for number, (name, event) in enumerate(EVENTS):
        for place, content in damaged(event):
            decoder, total = ConverseDecoder("m"), AIMessageChunk(content=[])
            for other, (kind, told) in enumerate(EVENTS):
                for chunk in decoder.feed((kind, content if other == number else told)):
                    total += chunk
            for chunk in decoder.finish():
                total += chunk
            assert isinstance(total.content_blocks, list), (name, place)
            assert total.response_metadata["model_name"] == "m"


@pytest.mark.parametrize("wrong", WRONG)
def test_an_event_that_is_no_object_is_passed_over(wrong: Any) -> None:
    """A stop without content is no stop."""
    decoder = ConverseDecoder("m")
    for name, _ in EVENTS:
        if not isinstance(wrong, dict):
            assert decoder.feed((name, wrong)) == []
    with pytest.raises(TruncatedStreamError):
        decoder.finish()
