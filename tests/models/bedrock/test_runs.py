"""What models of Bedrock say of their runs, what dumps hold of them, and that a cancelled call leaves nothing."""

import asyncio
import json
from typing import Any

import pytest

from spanloom.runtime.load import dumps, loads
from spanloom.runtime.models.bedrock.chat import ChatBedrock
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.runtime.models.bedrock.llm import BedrockLLM
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

from .driving import CLAUDE, LLAMA, Hooks, Mode, both, streamed

every_kind = pytest.mark.parametrize("kind", [BedrockLLM, ChatBedrock, ChatBedrockConverse])


def model_of(kind: type[Any], server: BedrockServer, **kwargs: Any) -> Any:
    """A model that asks the server."""
    return kind(
        model_id=LLAMA if kind is BedrockLLM else CLAUDE, endpoint_url=server.url, **{**server.credentials, **kwargs}
    )


@both
@every_kind
@pytest.mark.row("B1.06")
@pytest.mark.row("B1.13")
@pytest.mark.row("B1.21")
def test_handlers_tags_and_metadata_of_a_model_are_of_every_run(
    bedrock: BedrockServer, kind: type[Any], mode: Mode
) -> None:
    """Each call tells the model's own handlers, and its tags and metadata stand beside those of the call."""
    hooks = Hooks()
    model = model_of(kind, bedrock, callbacks=[hooks], tags=["mine"], metadata={"team": "a"})
    for number in range(2):
        streamed(mode, model, "the sky", {"tags": [f"call{number}"], "metadata": {"number": number}})
    starts = [kwargs for name, _, kwargs in hooks.calls if name == "start"]
    assert [sorted(told["tags"]) for told in starts] == [["call0", "mine"], ["call1", "mine"]]
    assert [(told["metadata"]["team"], told["metadata"]["number"]) for told in starts] == [("a", 0), ("a", 1)]
    assert hooks.names().count("end") == 2


@every_kind
@pytest.mark.row("X.18")
def test_the_error_of_an_argument_shows_no_secret(kind: type[Any]) -> None:
    """Nor what else was given: keys stand among it."""
    with pytest.raises(ValueError, match="aws_secret_access_key is given without") as caught:
        kind(model_id=LLAMA, aws_secret_access_key="SECRET")
    assert "SECRET" not in str(caught.value)


@every_kind
def test_a_dump_gives_the_model_back_without_its_secrets(
    bedrock: BedrockServer, kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are named in the dump and taken from the environment where it is read."""
    model = model_of(kind, bedrock, temperature=0.5, max_tokens=9)
    text = dumps(model)
    assert bedrock.credentials["aws_secret_access_key"] not in text
    for name, value in bedrock.environment().items():
        monkeypatch.setenv(name, value)
    again = loads(text, secrets_from_env=True)
    assert type(again) is kind
    assert (again.model_id, again.temperature, again.max_tokens) == (model.model_id, 0.5, 9)
    assert again.invoke("the sky")


@every_kind
@pytest.mark.row("B1.05")
def test_what_decides_an_answer_holds_no_secrets_and_no_addresses(bedrock: BedrockServer, kind: type[Any]) -> None:
    """Two that differ only in how and as whom they ask share what a cache holds."""
    one = model_of(kind, bedrock, temperature=0.5)
    other = kind(model_id=one.model_id, temperature=0.5, bedrock_api_key="another key", region_name="eu-west-1")
    assert one.cache_fields() == other.cache_fields()
    assert bedrock.credentials["aws_secret_access_key"] not in str(one.cache_fields())


@every_kind
@pytest.mark.row("X.02")
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_call_cancelled_at_any_turn_of_the_loop_leaves_nothing(
    bedrock: BedrockServer, kind: type[Any], is_streamed: bool
) -> None:
    """Its one span ends as cancelled, unless it was done before; no task and no busy connection is left."""
    model = model_of(kind, bedrock)

    async def work() -> None:
        if not is_streamed:
            await model.ainvoke("the sky is blue")
            return
        async for _ in model.astream("the sky is blue"):
            pass

    await work()
    for turns in range(40):
        with SpanRecorder("structure") as recorder:
            task = asyncio.create_task(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            was_done = task.done()
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            assert was_done or isinstance(ended, asyncio.CancelledError)
            outcomes = [span.outcome for span in recorder.spans]
        assert outcomes in ([["ok"]] if was_done else [["cancelled"], []] if turns == 0 else [["cancelled"]])
    assert asyncio.all_tasks() == {asyncio.current_task()}


@every_kind
@pytest.mark.row("B3.07")
@pytest.mark.parametrize("text", ["how to invest", "write to jane@example.org"])
async def test_live_records_of_a_guarded_model_are_replayed_equal(
    bedrock: BedrockServer, kind: type[Any], text: str
) -> None:
    """What a guardrail blocks or masks leaves the records of a stream and those of its journal equal."""
    bedrock.guardrail("gr1", "2", topics={"money": ["invest"]}, masked={r"[\w.]+@[\w.]+": "{EMAIL}"})
    guardrail = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": True}
    model = model_of(kind, bedrock, guardrails=guardrail)
    with SpanRecorder() as recorder:
        live = [record async for record in model.astream_events(text, version="v2")]
        assert json.dumps(recorder.records()) == json.dumps([canonical(record) for record in live])
        assert [span.outcome for span in recorder.spans] == ["ok"]
