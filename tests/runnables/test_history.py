"""A runnable that remembers: what goes in, what is kept, and what is seen of it."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from spanloom.runtime.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.messages import AIMessage, BaseMessage, HumanMessage
from spanloom.runtime.prompts import ChatPromptTemplate, MessagesPlaceholder
from spanloom.runtime.runnables import ConfigurableFieldSpec, RunnableLambda, RunnableWithMessageHistory
from spanloom.testing.recorder import SpanRecorder

Mode = Literal["sync", "async"]
MODES = ["sync", "async"]
SESSION: Any = {"configurable": {"session_id": "1"}}


class Sessions(dict[Any, Any]):
    """Histories by session, made when they are asked for."""

    def of(self, session_id: str) -> InMemoryChatMessageHistory:
        found: InMemoryChatMessageHistory = self.setdefault(session_id, InMemoryChatMessageHistory())
        return found

    def said(self, key: Any = "1") -> list[tuple[str, Any]]:
        return [(message.type, message.content) for message in self[key].messages]


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


def run(runnable: Any, mode: Mode, value: Any, config: Any = SESSION) -> Any:
    if mode == "sync":
        return runnable.invoke(value, config)
    return asyncio.run(runnable.ainvoke(value, config))


def chain(sessions: Sessions) -> RunnableWithMessageHistory:
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{q}")])
    model = FakeListChatModel(responses=["one", "two"])
    return RunnableWithMessageHistory(
        prompt | model, sessions.of, input_messages_key="q", history_messages_key="history"
    )


@pytest.mark.parametrize("mode", MODES)
def test_what_was_said_goes_in_and_what_is_said_is_kept(mode: Mode, sessions: Sessions):
    seen: list[Any] = []

    def answer(value: dict[str, Any]) -> AIMessage:
        seen.append([message.content for message in value["history"]])
        return AIMessage(content=f"re {value['q']}")

    made = RunnableWithMessageHistory(
        RunnableLambda(answer), sessions.of, input_messages_key="q", history_messages_key="history"
    )
    assert run(made, mode, {"q": "a"}).content == "re a"
    assert run(made, mode, {"q": "b"}).content == "re b"
    assert seen == [[], ["a", "re a"]]
    assert sessions.said() == [("human", "a"), ("ai", "re a"), ("human", "b"), ("ai", "re b")]
    run(made, mode, {"q": "c"}, {"configurable": {"session_id": "2"}})
    assert sessions.said("2") == [("human", "c"), ("ai", "re c")]


@pytest.mark.parametrize("mode", MODES)
def test_without_a_key_the_history_stands_before_the_new_messages(mode: Mode, sessions: Sessions):
    seen: list[Any] = []

    def answer(messages: list[BaseMessage]) -> str:
        seen.append([message.content for message in messages])
        return "ok"

    made = RunnableWithMessageHistory(RunnableLambda(answer), sessions.of)
    run(made, mode, [HumanMessage(content="a")])
    run(made, mode, "b")
    assert seen == [["a"], ["a", "ok", "b"]]
    assert sessions.said() == [("human", "a"), ("ai", "ok"), ("human", "b"), ("ai", "ok")]


@pytest.mark.parametrize("mode", MODES)
def test_messages_are_taken_from_below_their_keys(mode: Mode, sessions: Sessions):
    step = RunnableLambda(lambda _: {"out": AIMessage(content="k"), "more": 1})
    made = RunnableWithMessageHistory(step, sessions.of, input_messages_key="q", output_messages_key="out")
    assert run(made, mode, {"q": "z", "other": 2})["more"] == 1
    assert sessions.said() == [("human", "z"), ("ai", "k")]


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_key_is_named(mode: Mode, sessions: Sessions):
    made = chain(sessions)
    with pytest.raises(ValueError, match=r"Missing keys \['session_id'\] in config\['configurable'\]"):
        run(made, mode, {"q": "a"}, None)
    step = RunnableLambda(lambda _: {"a": "x", "b": 2})
    lost = RunnableWithMessageHistory(step, sessions.of, input_messages_key="q", output_messages_key="out")
    with pytest.raises(ValueError, match=r"output has no key 'out', only \['a', 'b'\]; set output_messages_key"):
        run(lost, mode, {"q": "a"})
    with pytest.raises(ValueError, match=r"input has no key 'q', only \['x'\]; set input_messages_key"):
        run(lost, mode, {"x": "a"})
    odd = RunnableWithMessageHistory(RunnableLambda(lambda _: 3), sessions.of, input_messages_key="q")
    with pytest.raises(ValueError, match="The output has 3 for messages"):
        run(odd, mode, {"q": "a"})
    assert "1" not in sessions or sessions.said() == []


def test_wrong_arguments_are_told_when_it_is_made(sessions: Sessions):
    with pytest.raises(TypeError, match="3 cannot be a step"):
        RunnableWithMessageHistory(3, sessions.of)
    with pytest.raises(TypeError, match="get_session_history is None"):
        RunnableWithMessageHistory(RunnableLambda(str), None)  # type: ignore[arg-type]
    specs = [ConfigurableFieldSpec(id="user", annotation=str), ConfigurableFieldSpec(id="talk", annotation=str)]
    with pytest.raises(ValueError, match=r"must take the keys \['talk', 'user'\]"):
        RunnableWithMessageHistory(RunnableLambda(str), lambda a, b: sessions.of(a + b), history_factory_config=specs)


@pytest.mark.parametrize("mode", MODES)
def test_a_session_may_be_named_by_several_keys(mode: Mode, sessions: Sessions):
    specs = [ConfigurableFieldSpec(id="user", annotation=str), ConfigurableFieldSpec(id="talk", annotation=str)]
    made = RunnableWithMessageHistory(
        RunnableLambda(lambda _: "k"), lambda user, talk: sessions.of(user + talk), history_factory_config=specs
    )
    run(made, mode, "q", {"configurable": {"user": "u", "talk": "t"}})
    assert sessions.said("ut") == [("human", "q"), ("ai", "k")]
    assert [spec.id for spec in made.config_specs] == ["talk", "user"]
    with pytest.raises(ValueError, match=r"Missing keys \['talk'\]"):
        run(made, mode, "q", {"configurable": {"user": "u"}})


async def test_a_stream_is_kept_when_it_has_ended_and_not_when_it_is_left(sessions: Sessions):
    made = chain(sessions)
    assert "".join(chunk.content for chunk in made.stream({"q": "a"}, SESSION)) == "one"
    assert "".join([chunk.content async for chunk in made.astream({"q": "b"}, SESSION)]) == "two"
    assert sessions.said() == [("human", "a"), ("ai", "one"), ("human", "b"), ("ai", "two")]
    assert {type(message) for message in sessions["1"].messages} == {HumanMessage, AIMessage}
    left: Any = made.stream({"q": "c"}, SESSION)
    next(left)
    left.close()
    assert len(sessions.said()) == 4


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_keeps_nothing(mode: Mode, sessions: Sessions):
    def fail(value: Any) -> Any:
        raise ValueError("no")

    made = RunnableWithMessageHistory(RunnableLambda(fail), sessions.of)
    with pytest.raises(ValueError, match="no"):
        run(made, mode, "x")
    assert sessions.said() == []


@pytest.mark.parametrize("mode", MODES)
def test_the_inner_runs_are_seen_as_documented(mode: Mode, sessions: Sessions, spans: SpanRecorder):
    run(chain(sessions), mode, {"q": "a"})
    load = ("insert_history", [("RunnableParallel<history>", [("load_history", [])])])
    answer = ("RunnableSequence", [("ChatPromptTemplate", []), ("FakeListChatModel", [])])
    assert spans.tree() == [("RunnableWithMessageHistory", [load, ("check_sync_or_async", [answer])])]


async def test_its_events_replay_as_they_were_live(sessions: Sessions, spans: SpanRecorder):
    live = [event async for event in chain(sessions).astream_events({"q": "a"}, SESSION)]
    replayed = spans.records()
    assert [(e["event"], e["name"], e["run_id"], e["tags"]) for e in replayed] == [
        (e["event"], e["name"], e["run_id"], e["tags"]) for e in live
    ]
    assert (live[0]["event"], live[0]["name"]) == ("on_chain_start", "RunnableWithMessageHistory")


def test_a_history_far_away_is_asked_through_its_own_methods():
    calls: list[str] = []

    class Far(BaseChatMessageHistory):
        kept: list[BaseMessage]

        def __init__(self) -> None:
            self.kept = []

        @property
        def messages(self) -> list[BaseMessage]:  # type: ignore[override]
            calls.append("messages")
            return self.kept

        async def aget_messages(self) -> list[BaseMessage]:
            calls.append("aget")
            return self.kept

        def add_messages(self, messages: Sequence[BaseMessage]) -> None:
            calls.append("add")
            self.kept.extend(messages)

        async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
            calls.append("aadd")
            self.kept.extend(messages)

        def clear(self) -> None:
            self.kept.clear()

    far = Far()
    made = RunnableWithMessageHistory(RunnableLambda(lambda _: "k"), lambda session_id: far)
    made.invoke("q", SESSION)
    assert calls == ["messages", "messages", "add"]
    calls.clear()
    asyncio.run(made.ainvoke("q", SESSION))
    assert calls == ["aget", "aget", "aadd"]
    asyncio.run(far.aclear())
    assert far.kept == []


async def test_a_history_takes_texts_and_messages():
    history = InMemoryChatMessageHistory()
    history.add_user_message("a")
    history.add_ai_message("b")
    history.add_message(HumanMessage(content="c"))
    await history.aadd_messages([AIMessage(content="d")])
    assert str(history) == "Human: a\nAI: b\nHuman: c\nAI: d"
    assert await history.aget_messages() == history.messages
    await history.aclear()
    assert history.messages == []


def test_a_history_that_writes_no_way_to_add_says_so():
    class Mute(BaseChatMessageHistory):
        def clear(self) -> None: ...

    with pytest.raises(NotImplementedError, match="Mute has no add_messages"):
        Mute().add_user_message("a")


def test_its_schema_and_graph_are_told_without_a_session(sessions: Sessions):
    made = chain(sessions)
    assert list(made.get_input_jsonschema()["properties"]) == ["q"]
    assert [node.name for node in made.get_graph().nodes.values()][1] == "ChatPromptTemplate"
    assert [spec.id for spec in made.config_specs] == ["session_id"]
    bare = RunnableWithMessageHistory(RunnableLambda(str), sessions.of)
    assert bare.get_input_jsonschema()["title"] == "RunnableWithChatHistoryInput"
