"""Reading one answer: stop strings, guardrails, and bodies that are none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloom.runtime.models.bedrock.errors import BedrockError, TruncatedStreamError
from spanloom.runtime.models.bedrock.guardrails import GuardrailSettings
from spanloom.runtime.models.bedrock.invoke import Ask, family_of
from spanloom.runtime.models.bedrock.invoke.reading import Reading

from .bodies import METRICS

LLAMA, MISTRAL = "meta.llama3-8b-instruct-v1:0", "mistral.mistral-7b-instruct-v0:2"


def reading(model_id: str, stop: list[str] | None = None, **kwargs: Any) -> Reading:
    return Reading(family_of(model_id), Ask(model_id=model_id, prompt="Hi", stop=stop), **kwargs)


def event(document: Any) -> tuple[str, dict[str, Any]]:
    return "chunk", {"bytes": json.dumps(document).encode()}


def llama(*tokens: str) -> list[Any]:
    documents = [{"generation": token, "prompt_token_count": 3, "generation_token_count": 1} for token in tokens]
    return [event(document) for document in [*documents, {"generation": "", "stop_reason": "stop", **METRICS}]]


@given(
    text=st.text("ab.(", max_size=20),
    stop=st.lists(st.text("ab.(", min_size=1, max_size=3), max_size=3),
    cuts=st.lists(st.integers(0, 20), max_size=6),
)
@pytest.mark.row("X.13")
def test_a_stream_and_a_whole_answer_are_cut_alike(text: str, stop: list[str], cuts: list[int]) -> None:
    """Stop strings are literals, wherever the chunks end."""
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    tokens = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    one = reading(LLAMA, stop)
    pieces: list[Any] = []
    for each in llama(*tokens):
        pieces += one.feed(each)
        if one.is_done:
            break
    pieces += one.end()
    whole = reading(LLAMA, stop).whole(json.dumps({"generation": text, "stop_reason": "stop"}).encode(), {})
    assert "".join(piece.text for piece in pieces) == whole.text == whole.content
    assert pieces[-1].stop_reason == whole.stop_reason
    assert not any(s in whole.text for s in stop)


@pytest.mark.row("X.09")
@pytest.mark.row("X.13")
def test_an_answer_cut_here_is_left_early_and_tells_the_usage_so_far() -> None:
    """The service need not go on; the last piece says why the answer ends."""
    one = reading(LLAMA, ["."])
    assert [piece.text for piece in one.feed(llama("It is. So")[0])] == ["It is"]
    assert one.is_done
    (last,) = one.end()
    assert (last.stop_reason, last.usage) == (
        "stop_sequence",
        {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4},
    )


def test_an_answer_whose_stop_strings_the_service_knows_is_read_to_its_end() -> None:
    """A stop string that the service leaves in is cut all the same, and the usage is not lost."""
    one = reading(MISTRAL, ["."])
    assert [piece.text for piece in one.feed(event({"outputs": [{"text": "It is."}]}))] == ["It is"]
    assert not one.is_done
    one.feed(event({"outputs": [{"text": "", "stop_reason": "stop"}], **METRICS}))
    (last,) = one.end()
    assert (last.stop_reason, last.usage is not None) == ("stop", True)


@pytest.mark.row("X.04")
def test_what_was_held_back_comes_before_the_error_of_a_broken_stream() -> None:
    """Nothing that came is lost."""
    one = reading(LLAMA, ["END"])
    assert [piece.text for piece in one.feed(llama("So E")[0])] == ["So "]
    rest = one.end()
    assert next(rest).text == "E"
    with pytest.raises(TruncatedStreamError):
        next(rest)


@pytest.mark.row("X.07")
def test_events_and_documents_that_are_not_known_bring_nothing() -> None:
    """Neither do chunks that hold no JSON."""
    one = reading(LLAMA)
    contents: list[tuple[str, dict[str, Any]]] = [("novelty", {}), ("chunk", {}), ("chunk", {"bytes": b"\xff{"})]
    for odd in contents:
        assert one.feed(odd) == []
        assert not one.is_token(odd)
    assert one.is_token(llama("a")[0])
    assert not one.is_token(event({"type": "error"}))


def test_a_body_that_is_no_json_is_a_typed_error() -> None:
    """What was sent is not quoted: it may be the user's."""
    with pytest.raises(BedrockError, match="7 bytes that are no JSON"):
        reading(LLAMA).whole(b"<html/>", {})


@pytest.mark.row("B2.02")
def test_what_a_guardrail_did_is_gathered_from_bodies_and_chunks() -> None:
    """With the guardrail that was asked for, where the answer does not name it."""
    told = {
        "amazon-bedrock-guardrailAction": "INTERVENED",
        "amazon-bedrock-trace": {
            "guardrail": {"input": {"g1": {"topicPolicy": {"topics": [{"name": "T", "action": "BLOCKED"}]}}}}
        },
    }
    settings = GuardrailSettings("g1", "2")
    streamed, whole = reading(LLAMA, guardrail=settings), reading(LLAMA, guardrail=settings)
    streamed.feed(event({"generation": "No.", **told}))
    whole.whole(json.dumps({"generation": "No.", **told}).encode(), {})
    for one in (streamed, whole):
        (intervention,) = one.interventions
        assert (intervention.guardrail_id, intervention.guardrail_version) == ("g1", "2")
        assert intervention.policies == "topic"
        assert one.guarded == told
