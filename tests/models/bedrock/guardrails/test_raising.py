"""Models that are asked to raise where a guardrail intervenes: the notice first, then the error, once all has come."""

from typing import Any

import pytest

from spanloom.runtime.exceptions import GuardrailInterventionError
from spanloom.runtime.models.bedrock.chat import ChatBedrock
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.runtime.models.bedrock.llm import BedrockLLM
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .conftest import SORRY
from .test_end_to_end import Hearing, text_of

CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
KINDS = [(BedrockLLM, "meta.llama3-1-8b-instruct-v1:0"), (ChatBedrock, CLAUDE), (ChatBedrockConverse, CLAUDE)]
every_kind = pytest.mark.parametrize(("kind", "model_id"), KINDS)


def guarded(kind: type[Any], model_id: str, server: BedrockServer, **kwargs: Any) -> Any:
    """Return a model that raises."""
    guardrail = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": "enabled"}
    given = {"model_id": model_id, "guardrails": guardrail, "raise_on_intervention": True, **kwargs}
    return kind(endpoint_url=server.url, **server.credentials, **given)


async def asked(mode: str, model: Any, text: str, handler: Hearing, into: list[str]) -> None:
    """Ask the model; texts stand in `into` as they come."""
    config: Any = {"callbacks": [handler]}
    if mode == "invoke":
        into.append(text_of(model.invoke(text, config)))
    elif mode == "ainvoke":
        into.append(text_of(await model.ainvoke(text, config)))
    elif mode == "stream":
        for chunk in model.stream(text, config):
            into.append(text_of(chunk))
    else:
        async for chunk in model.astream(text, config):
            into.append(text_of(chunk))


@every_kind
@pytest.mark.row("B2.03")
@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("is_streaming", [False, True])
async def test_the_error_follows_the_whole_answer_and_its_notice(
    kind: type[Any], model_id: str, mode: str, is_streaming: bool, bedrock: BedrockServer, spans: SpanRecorder
) -> None:
    """Handlers hear the notice, then the error with its reason, trace and the answer; the end never comes."""
    handler, texts = Hearing(), list[str]()
    model = guarded(kind, model_id, bedrock, streaming=is_streaming)
    with pytest.raises(GuardrailInterventionError, match="money: BLOCKED") as raised:
        await asked(mode, model, "how to invest", handler, texts)
    assert "".join(texts) == (SORRY if "stream" in mode else "")
    assert handler.hooks == ["start", "notice", "error"]
    noticed, failed = handler.notices
    assert failed["intervention"] == noticed["intervention"] == raised.value.intervention
    assert failed["reason"] == noticed["reason"] == "GUARDRAIL_INTERVENED"
    assert failed["trace"] == noticed["trace"]
    assert "gr1" in str(failed["trace"]["guardrail"])
    assert failed["response"].generations[0][0].text == SORRY
    assert [span.outcome for span in spans.spans] == ["error"]


@every_kind
async def test_an_answer_without_intervention_raises_nothing(
    kind: type[Any], model_id: str, bedrock: BedrockServer
) -> None:
    """What the guardrail lets pass is answered as ever."""
    handler, texts = Hearing(), list[str]()
    await asked("stream", guarded(kind, model_id, bedrock), "the sky", handler, texts)
    assert "sky" in "".join(texts)
    assert handler.hooks == ["start", "end"]


@every_kind
def test_nobody_needs_to_listen_for_the_error_to_come(kind: type[Any], model_id: str, bedrock: BedrockServer) -> None:
    """Without handlers it is raised too, and fallbacks take over."""
    model = guarded(kind, model_id, bedrock)
    with pytest.raises(GuardrailInterventionError):
        model.invoke("how to invest")
    assert (
        model.with_fallbacks([RunnableLambda(lambda _: "another answer")]).invoke("how to invest") == "another answer"
    )


@every_kind
async def test_a_fault_behind_the_intervention_leaves_its_notice_told(
    kind: type[Any], model_id: str, bedrock: BedrockServer
) -> None:
    """A stream that breaks after the guardrail acted: the notice is told once, and the fault is the error."""
    handler, texts = Hearing(), list[str]()
    streamed = "converse_stream" if kind is ChatBedrockConverse else "invoke_model_with_response_stream"
    token = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "So"}}
    events: list[tuple[str, Any]] = [
        ("chunk", {"generation": "So"} if kind is BedrockLLM else token),
        ("chunk", {"amazon-bedrock-guardrailAction": "INTERVENED"}),
    ]
    if kind is ChatBedrockConverse:
        events = [("messageStart", {"role": "assistant"}), ("messageStop", {"stopReason": "guardrail_intervened"})]
    bedrock.stream(streamed, [*events, ("throttlingException", {"message": "slow down"})])
    model = guarded(kind, model_id, bedrock, max_retries=0)
    with pytest.raises(ValueError, match="slow down"):
        await asked("astream", model, "how to invest", handler, texts)
    assert handler.hooks == ["start", "notice", "error"]
