"""Guarded models over a real server: each way to call them tells the same of an intervention."""

import logging
from typing import Any

import pytest

from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.runtime.models.bedrock.llm import BedrockLLM
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import BaseCallbackHandler

from .conftest import SORRY

MODES = ["invoke", "ainvoke", "stream", "astream"]


class Hearing(BaseCallbackHandler):
    """Keeps the hooks of models, and the notices among them."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        self.notices: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("notice" if kwargs.get("signal") else "error")
        self.notices.append({**kwargs, "intervention": getattr(error, "intervention", None)})


def converse(server: BedrockServer, *, is_traced: bool = True) -> ChatBedrockConverse:
    """Return a guarded model of the server."""
    given: dict[str, Any] = {
        "model_id": "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "guardrail_config": {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": is_traced},
        "endpoint_url": server.url,
        **server.credentials,
    }
    return ChatBedrockConverse(**given)


async def said(mode: str, model: Any, text: str, handler: Hearing) -> str:
    """Return the text of the model's answer."""
    config: Any = {"callbacks": [handler]}
    if mode == "invoke":
        return text_of(model.invoke(text, config))
    if mode == "ainvoke":
        return text_of(await model.ainvoke(text, config))
    if mode == "stream":
        return "".join(text_of(chunk) for chunk in model.stream(text, config))
    return "".join([text_of(chunk) async for chunk in model.astream(text, config)])


def text_of(answer: Any) -> str:
    """Return the text of an answer, which text models give bare."""
    return answer if isinstance(answer, str) else str(answer.text)


@pytest.mark.row("X.17")
@pytest.mark.parametrize("mode", MODES)
async def test_a_blocked_question_to_converse_is_a_notice(mode: str, bedrock: BedrockServer) -> None:
    """The same reason as for InvokeModel, with the trace; the answer is the guardrail's message, the run ends well."""
    handler = Hearing()
    with SpanRecorder("structure") as spans:
        assert await said(mode, converse(bedrock), "how to invest", handler) == SORRY
        (recorded,) = spans.spans
    assert handler.hooks == ["start", "notice", "end"]
    (told,) = handler.notices
    assert (told["reason"], told["signal"]) == ("GUARDRAIL_INTERVENED", True)
    assert "gr1" in told["trace"]["guardrail"]["inputAssessment"]
    intervention = told["intervention"]
    assert (intervention.guardrail_id, intervention.guardrail_version, intervention.source) == ("gr1", "2", "INPUT")
    assert [(each.policy, each.rule, each.action) for each in intervention.assessments] == [
        ("topic", "money", "BLOCKED")
    ]
    (event,) = [event for event in recorded.span.events if event.name == "gen_ai.guardrail.result"]
    assert (event.attributes or {})["gen_ai.guardrail.policy.rule.id"] == "money"
    assert recorded.outcome == "ok"


@pytest.mark.row("X.17")
@pytest.mark.parametrize("mode", MODES)
async def test_an_intervention_is_told_without_a_trace(mode: str, bedrock: BedrockServer) -> None:
    """With the trace off the stop reason tells of it."""
    bedrock.answer(
        "converse",
        {
            "output": {"message": {"role": "assistant", "content": [{"text": SORRY}]}},
            "stopReason": "guardrail_intervened",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        },
    )
    bedrock.stream(
        "converse_stream",
        [
            ("messageStart", {"role": "assistant"}),
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": SORRY}}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": "guardrail_intervened"}),
            (
                "metadata",
                {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}},
            ),
        ],
    )
    handler = Hearing()
    assert await said(mode, converse(bedrock, is_traced=False), "hello", handler) == SORRY
    assert handler.hooks == ["start", "notice", "end"]
    assert handler.notices[0]["intervention"].guardrail_id == "gr1"


@pytest.mark.row("B2.02")
@pytest.mark.row("B2.03")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_traced", [True, False])
async def test_a_blocked_question_to_a_text_model_is_a_notice(
    mode: str, is_traced: bool, bedrock: BedrockServer
) -> None:
    """InvokeModel's flag tells of it, traced or not, streamed or not; the answer is the guardrail's message."""
    given: dict[str, Any] = {
        "model_id": "meta.llama3-8b-instruct-v1:0",
        "guardrails": {"guardrailId": "gr1", "guardrailVersion": "2", "trace": is_traced},
        "endpoint_url": bedrock.url,
        **bedrock.credentials,
    }
    model = BedrockLLM(**given)
    handler = Hearing()
    with SpanRecorder("structure") as spans:
        assert await said(mode, model, "how to invest", handler) == SORRY
        (recorded,) = spans.spans
    assert handler.hooks == ["start", "notice", "end"]
    (told,) = handler.notices
    assert (told["reason"], told["signal"]) == ("GUARDRAIL_INTERVENED", True)
    intervention = told["intervention"]
    assert (intervention.guardrail_id, intervention.action) == ("gr1", "INTERVENED")
    assert [each.rule for each in intervention.assessments] == (["money"] if is_traced else [])
    assert [event.name for event in recorded.span.events] == ["gen_ai.guardrail.result"]
    assert recorded.outcome == "ok"


@pytest.mark.row("X.18")
@pytest.mark.row("B2.05")
@pytest.mark.parametrize("mode", MODES)
async def test_what_was_masked_stays_out_of_spans_and_logs(
    mode: str, bedrock: BedrockServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The address is in the handler's trace alone; spans without captured content and log lines do not have it."""
    caplog.set_level(logging.DEBUG, logger="spanloom")
    handler = Hearing()
    with SpanRecorder("structure") as spans:
        await said(mode, converse(bedrock), "write to jane@example.org", handler)
        (recorded,) = spans.spans
    assert "notice" in handler.hooks
    assert "jane@example.org" in str(handler.notices[0]["trace"])
    assert "jane" not in recorded.span.to_json()
    assert "jane" not in str(recorded.journal)
    assert "jane" not in caplog.text
