"""A guardrail as a step of its own, over a real server."""

from typing import Any

import pytest

from spanloom.runtime.exceptions import GuardrailInterventionError, InvalidInputError, ModelError
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from spanloom.runtime.models.bedrock.apply_guardrail import ApplyGuardrail
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .conftest import SORRY
from .hearing import Hearing

Mode = str
MODES = ["invoke", "ainvoke"]


def guard(server: BedrockServer, **given: Any) -> ApplyGuardrail:
    """Return the step with the server's guardrail."""
    reached: dict[str, Any] = {"endpoint_url": server.url, **server.credentials, **given}
    return ApplyGuardrail(guardrail_id="gr1", guardrail_version="2", **reached)


async def checked(step: ApplyGuardrail, mode: Mode, value: Any, *handlers: Any) -> Any:
    """Return what the step makes of a value."""
    config: Any = {"callbacks": list(handlers)}
    return step.invoke(value, config) if mode == "invoke" else await step.ainvoke(value, config)


@pytest.mark.parametrize("mode", MODES)
async def test_content_that_passes_comes_out_unchanged(mode: Mode, bedrock: BedrockServer, spans: SpanRecorder) -> None:
    """Nothing is told but the run itself: a client span named after the operation."""
    handler = Hearing()
    assert await checked(guard(bedrock), mode, "hello", handler) == "hello"
    assert handler.hooks == ["start", "end"]
    (recorded,) = spans.spans
    assert (recorded.span.name, recorded.span.kind.name) == ("apply_guardrail Amazon Bedrock Guardrails", "CLIENT")
    attributes = recorded.attributes
    assert attributes["gen_ai.operation.name"] == "apply_guardrail"
    assert attributes["gen_ai.guardrail.policy.id"] == "gr1"
    assert attributes["gen_ai.guardrail.source"] == "INPUT"
    assert not [event for event in recorded.span.events if event.name == "gen_ai.guardrail.result"]


@pytest.mark.parametrize("mode", MODES)
async def test_sensitive_text_comes_out_masked_and_handlers_hear_of_it(
    mode: Mode, bedrock: BedrockServer, spans: SpanRecorder
) -> None:
    """The run ends well with the masked text; notice, span event and intervention tell the same."""
    handler = Hearing()
    answer = await checked(guard(bedrock, source="OUTPUT"), mode, "ask jane@example.org", handler)
    assert answer == "ask {EMAIL}"
    assert handler.hooks == ["start", "notice", "end"]
    (told,) = handler.notices
    assert (told["reason"], told["signal"]) == ("GUARDRAIL_INTERVENED", True)
    intervention = told["intervention"]
    assert (intervention.guardrail_id, intervention.source, intervention.action) == (
        "gr1",
        "OUTPUT",
        "GUARDRAIL_INTERVENED",
    )
    assert [(each.rule, each.action) for each in intervention.assessments] == [("EMAIL", "ANONYMIZED")]
    (recorded,) = spans.spans
    (event,) = [event for event in recorded.span.events if event.name == "gen_ai.guardrail.result"]
    assert (event.attributes or {})["gen_ai.guardrail.policy.rule.id"] == "EMAIL"
    assert "jane" not in recorded.span.to_json()
    assert recorded.outcome == "ok"


@pytest.mark.parametrize("mode", MODES)
async def test_blocked_text_is_replaced_by_the_guardrails_message(mode: Mode, bedrock: BedrockServer) -> None:
    """Without the option there is no exception."""
    handler = Hearing()
    assert await checked(guard(bedrock), mode, "how to invest", handler) == SORRY
    assert handler.hooks == ["start", "notice", "end"]


@pytest.mark.parametrize("mode", MODES)
async def test_blocked_text_is_an_error_where_that_is_asked_for(
    mode: Mode, bedrock: BedrockServer, spans: SpanRecorder
) -> None:
    """The error carries the intervention; the run fails with it, and the notice comes first."""
    handler = Hearing()
    with pytest.raises(GuardrailInterventionError) as caught:
        await checked(guard(bedrock, raise_when_blocked=True), mode, "darn", handler)
    assert caught.value.intervention.is_blocked
    assert "darn" not in str(caught.value)
    assert handler.hooks == ["start", "notice", "error"]
    assert spans.spans[0].outcome == "error"


@pytest.mark.parametrize("mode", MODES)
async def test_messages_come_out_as_messages(mode: Mode, bedrock: BedrockServer) -> None:
    """Texts are masked where they stand, blocks that are no text stay, the caller's messages are not changed."""
    picture = {"type": "image", "url": "https://example.org/x.png"}
    given = [
        SystemMessage("be kind"),
        HumanMessage([{"type": "text", "text": "mail a@b.de"}, picture, {"type": "text", "text": "thanks"}]),
        AIMessage(""),
    ]
    made = await checked(guard(bedrock), mode, given)
    assert [message.content for message in made] == [
        "be kind",
        [{"type": "text", "text": "mail {EMAIL}"}, picture, {"type": "text", "text": "thanks"}],
        "",
    ]
    assert [type(message) for message in made] == [type(message) for message in given]
    assert given[1].content[0] == {"type": "text", "text": "mail a@b.de"}
    one = await checked(guard(bedrock), mode, HumanMessage("mail a@b.de"))
    assert one == HumanMessage("mail {EMAIL}")
    (blocked,) = await checked(guard(bedrock), mode, [SystemMessage("be kind"), HumanMessage("invest")])
    assert (type(blocked), blocked.content) == (HumanMessage, SORRY)
    assert blocked.response_metadata["guardrail"]["action"] == "GUARDRAIL_INTERVENED"


@pytest.mark.parametrize("kind", [AIMessage, AIMessageChunk])
def test_nothing_of_a_blocked_answer_is_passed_on(bedrock: BedrockServer, kind: type[AIMessage]) -> None:
    """Neither its tool calls, which an agent would run, nor what it says beside its content; its id stays."""
    call: Any = {"name": "pay", "args": {}, "id": "c1"}
    given = kind("invest", tool_calls=[call], additional_kwargs={"reasoning_content": "invest"}, id="a1")
    blocked = guard(bedrock, source="OUTPUT").invoke(given)
    assert (type(blocked), blocked.content, blocked.id) == (kind, SORRY, "a1")
    assert (blocked.tool_calls, blocked.additional_kwargs) == ([], {})
    assert not getattr(blocked, "tool_call_chunks", [])
    assert given.tool_calls


async def test_it_stands_in_a_chain_and_gathers_a_stream(bedrock: BedrockServer) -> None:
    """A stream is judged whole and comes out as one chunk, in one request."""
    speak: Any = RunnableLambda(lambda _: "unused") | guard(bedrock)
    assert speak.invoke(1) == "unused"
    bedrock.reset()
    bedrock.guardrail("gr1", "2", masked={r"[\w.]+@[\w.]+": "{EMAIL}"})
    parts = iter(["ask ja", "ne@exam", "ple.org"])
    assert list(guard(bedrock).transform(parts)) == ["ask {EMAIL}"]
    assert len(bedrock.requests()) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_to_look_at_asks_nobody(mode: Mode, bedrock: BedrockServer) -> None:
    """Empty texts are no request."""
    assert await checked(guard(bedrock), mode, "") == ""
    assert await checked(guard(bedrock), mode, [AIMessage("")]) == [AIMessage("")]
    assert bedrock.requests() == []


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_cannot_be_matched_is_an_error(mode: Mode, bedrock: BedrockServer) -> None:
    """Masked texts that are fewer than those sent never pass as if they were complete."""
    masked = {
        "sensitiveInformationPolicy": {
            "piiEntities": [{"type": "EMAIL", "match": "x", "action": "ANONYMIZED"}],
            "regexes": [],
        }
    }
    bedrock.answer(
        "apply_guardrail",
        {"action": "GUARDRAIL_INTERVENED", "outputs": [{"text": "all"}], "assessments": [masked], "usage": {}},
    )
    with pytest.raises(ModelError, match="cannot be matched"):
        await checked(guard(bedrock), mode, [HumanMessage("a"), HumanMessage("b")])


@pytest.mark.parametrize("value", [None, 3, [], {"text": "x"}])
def test_what_has_no_text_is_refused(value: Any, bedrock: BedrockServer) -> None:
    """The error says what may be given."""
    with pytest.raises((InvalidInputError, ValueError), match="text|messages"):
        guard(bedrock).invoke(value)
