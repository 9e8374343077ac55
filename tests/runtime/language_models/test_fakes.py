"""Models that follow a script, and what models say of themselves."""

import asyncio
from typing import Any

import pytest

import spanloom.testing as kit
from spanloom.runtime import language_models
from spanloom.runtime.language_models import (
    FakeChatModel,
    FakeListChatModel,
    FakeListLLM,
    FakeMessagesListChatModel,
    FakeStreamingListLLM,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from spanloom.runtime.language_models.fake import FakeListLLMError
from spanloom.runtime.language_models.fake_chat_models import FakeListChatModelError
from spanloom.runtime.messages import AIMessage, HumanMessage

both = pytest.mark.parametrize("mode", ["sync", "async"])


def streamed(model: Any, mode: str, into: list[Any]) -> None:
    """Put the chunks of a stream into a list, also those before a failure."""

    async def on_loop() -> None:
        async for chunk in model.astream("hi"):
            into.append(chunk)

    if mode == "async":
        asyncio.run(on_loop())
    else:
        for chunk in model.stream("hi"):
            into.append(chunk)


def asked(model: Any, mode: str) -> Any:
    return model.invoke("hi") if mode == "sync" else asyncio.run(model.ainvoke("hi"))


@both
def test_lists_of_responses_go_round(mode: str) -> None:
    """Each call takes the next; after the last comes the first. A wait is part of the answer."""
    for kind in (FakeListLLM, FakeStreamingListLLM):
        text = kind(responses=["a", "b"], sleep=0.0)
        assert [asked(text, mode) for _ in range(3)] == ["a", "b", "a"]
    for chat in (
        FakeListChatModel(responses=["a", "b"], sleep=0.0),
        FakeMessagesListChatModel(responses=[AIMessage("a"), AIMessage("b")], sleep=0.0),
    ):
        assert [asked(chat, mode).content for _ in range(3)] == ["a", "b", "a"]
        assert chat.i == 1


@both
def test_streams_of_lists_come_letter_by_letter(mode: str) -> None:
    """The chat model marks the last letter."""
    texts: list[Any] = []
    streamed(FakeStreamingListLLM(responses=["ab"], sleep=0.0), mode, texts)
    assert texts == ["a", "b"]
    chunks: list[Any] = []
    streamed(FakeListChatModel(responses=["ab"], sleep=0.0), mode, chunks)
    assert [(chunk.content, chunk.chunk_position) for chunk in chunks] == [("a", None), ("b", "last")]


@both
@pytest.mark.parametrize(
    ("kind", "error"), [(FakeStreamingListLLM, FakeListLLMError), (FakeListChatModel, FakeListChatModelError)]
)
def test_a_script_may_fail_at_a_chunk(kind: Any, error: type[Exception], mode: str) -> None:
    """Chunks count from 0; a call that does not stream does not fail."""
    model = kind(responses=["abc"], error_on_chunk_number=1)
    chunks: list[Any] = []
    with pytest.raises(error):
        streamed(model, mode, chunks)
    assert len(chunks) == 1
    asked(model, mode)


@both
def test_a_batch_gets_the_responses_in_order(mode: str) -> None:
    """Inputs and responses belong together, however many there are."""
    responses = [str(number) for number in range(30)]
    model = FakeListChatModel(responses=responses)
    given = model.batch(responses) if mode == "sync" else asyncio.run(model.abatch(responses))
    assert [message.content for message in given] == responses


@both
def test_the_generic_model_gives_messages_word_by_word(mode: str) -> None:
    """Additional arguments follow the words, a function call at its commas."""
    model = GenericFakeChatModel(
        messages=iter(
            [
                "a b",
                AIMessage(
                    "c", additional_kwargs={"x": "1,2", "function_call": {"name": "f", "arguments": "1,2", "n": 3}}
                ),
            ]
        )
    )
    words: list[Any] = []
    streamed(model, mode, words)
    assert [(chunk.content, chunk.chunk_position) for chunk in words] == [("a", None), (" ", None), ("b", "last")]
    chunks: list[Any] = []
    streamed(model, mode, chunks)
    assert [chunk.additional_kwargs for chunk in chunks] == [
        {},
        {"x": "1,2"},
        *[{"function_call": part} for part in ({"name": "f"}, {"arguments": "1"}, {"arguments": ","})],
        *[{"function_call": part} for part in ({"arguments": "2"}, {"n": 3})],
    ]
    with pytest.raises(ValueError, match="streams texts"):
        streamed(GenericFakeChatModel(messages=iter([AIMessage([{"type": "text", "text": "a"}])])), mode, [])


@both
def test_one_model_says_the_same_and_one_repeats(mode: str) -> None:
    """The parrot gives the last message itself, whoever spoke it."""
    assert asked(FakeChatModel(), mode).content == "fake response"
    answer = asked(ParrotFakeChatModel(), mode)
    assert (type(answer), answer.content) == (HumanMessage, "hi")


def test_the_test_kit_offers_the_scripted_models() -> None:
    """They are the same classes."""
    names = [name for name in kit.__all__ if "Fake" in name or "Scripted" in name]
    assert len(names) == 8
    assert all(getattr(kit, name) is getattr(language_models, name) for name in names)


# What models say of themselves


class ChatTuned(FakeListChatModel):
    """A chat model with parameters."""

    model: str = "m-1"
    temperature: float = 0.5
    max_tokens: int | None = None


class TunedLLM(FakeListLLM):
    """A text model with parameters."""

    model_name: str = "m-2"
    max_tokens: int = 7


def test_models_say_what_langsmith_asks_for() -> None:
    """The call's arguments come before the fields; what is not known is left out."""
    assert FakeListLLM(responses=[])._get_ls_params() == {"ls_provider": "fakelist", "ls_model_type": "llm"}
    chat = ChatTuned(responses=[])
    assert chat._get_ls_params(stop=["x"]) == {
        "ls_provider": "tuned",
        "ls_model_type": "chat",
        "ls_model_name": "m-1",
        "ls_temperature": 0.5,
        "ls_stop": ["x"],
    }
    said = dict(chat._get_ls_params(model="m-3", temperature=1.0, max_tokens=3))
    assert [said[f"ls_{name}"] for name in ("model_name", "temperature", "max_tokens")] == ["m-3", 1.0, 3]
    assert TunedLLM(responses=[])._get_ls_params() == {
        "ls_provider": "tuned",
        "ls_model_type": "llm",
        "ls_model_name": "m-2",
        "ls_max_tokens": 7,
    }


def test_that_leaves_the_metadata_of_runs_as_the_caller_gave_it(hooks: Any) -> None:
    """Records and hooks show nothing that the caller did not say."""
    ChatTuned(responses=["a"]).invoke("hi", {"callbacks": [hooks], "metadata": {"m": 1}})
    ((_, kwargs),) = hooks.of("start")
    assert kwargs["metadata"] == {"m": 1}


@pytest.mark.row("B1.23")
def test_a_verbose_model_logs_every_generated_answer(caplog: pytest.LogCaptureFixture) -> None:
    """`generate` logs as `invoke` does."""
    with caplog.at_level("INFO", logger="spanloom"):
        FakeListChatModel(responses=["a", "b"], verbose=True).generate([[HumanMessage("hi")], [HumanMessage("ho")]])
    assert [record.__dict__["answer"] for record in caplog.records] == ["a", "b"]
