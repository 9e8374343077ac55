"""What is kept of a conversation fits, and is what was asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    filter_messages,
    forms,
    merge_message_runs,
    on_runnable,
    trim_messages,
)

SYSTEM = SystemMessage("This is a 4 token text.")
FIRST = HumanMessage("This is a 4 token text.", id="first")
BLOCKS = [
    {"type": "text", "text": "This is the FIRST 4 token block."},
    {"type": "text", "text": "This is the SECOND 4 token block."},
]
SECOND = AIMessage(BLOCKS, id="second")
THIRD = HumanMessage("This is a 4 token text.", id="third")
FOURTH = AIMessage("This is a 4 token text.", id="fourth")
TALK = [SYSTEM, FIRST, SECOND, THIRD, FOURTH]


def dummy_counter(messages: list[BaseMessage]) -> int:
    """Count 3 tokens before a message, 4 per text and 3 after."""
    return sum(6 + 4 * (1 if isinstance(m.content, str) else len(m.content)) for m in messages)


def second_with(block: int) -> AIMessage:
    return AIMessage([BLOCKS[block]], id="second")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"max_tokens": 30, "strategy": "first", "allow_partial": True},
            [SYSTEM, FIRST, second_with(0)],
            marks=pytest.mark.row("M.23"),
        ),
        pytest.param({"max_tokens": 30, "strategy": "first"}, [SYSTEM, FIRST], marks=pytest.mark.row("M.24")),
        pytest.param(
            {"max_tokens": 30, "include_system": True}, [SYSTEM, THIRD, FOURTH], marks=pytest.mark.row("M.25")
        ),
        pytest.param(
            {"max_tokens": 40, "allow_partial": True, "include_system": True},
            [SYSTEM, second_with(1), THIRD, FOURTH],
            marks=pytest.mark.row("M.26"),
        ),
        pytest.param(
            {"max_tokens": 30, "include_system": True, "start_on": "human"},
            [SYSTEM, THIRD, FOURTH],
            marks=pytest.mark.row("M.27"),
        ),
        pytest.param(
            {"max_tokens": 60, "end_on": ("human", "tool")},
            [SYSTEM, FIRST, SECOND, THIRD],
            marks=pytest.mark.row("M.28"),
        ),
        ({"max_tokens": 0}, []),
        ({"max_tokens": 100}, TALK),
        ({"max_tokens": 9, "include_system": True}, [SYSTEM]),
        ({"max_tokens": 10, "include_system": True}, [SYSTEM]),
        ({"max_tokens": 100, "include_system": True, "start_on": ToolMessage}, [SYSTEM]),
        ({"max_tokens": 40, "strategy": "first", "end_on": HumanMessage}, [SYSTEM, FIRST]),
    ],
)
def test_the_documented_examples_hold(options: dict[str, Any], expected: list[BaseMessage]):
    given = [message.model_copy(deep=True) for message in TALK]
    assert trim_messages(given, token_counter=dummy_counter, **options) == expected
    assert given == TALK


JOKES = [
    SystemMessage("you're a good assistant, you always respond with a joke."),
    HumanMessage("i wonder why it's called langchain"),
    AIMessage('Well, I guess they thought "WordRope" and "SentenceString" just didn\'t have the same ring to it!'),
    HumanMessage("and who is harrison chasing anyways"),
    AIMessage("Hmmm let me think.\n\nWhy, he's probably chasing after the last cup of coffee in the office!"),
    HumanMessage("what do you call a speechless parrot"),
]


@pytest.mark.row("M.21")
def test_the_last_turn_that_fits_starts_with_the_user():
    def words(messages: list[BaseMessage]) -> int:
        return sum(len(message.text.split()) + 3 for message in messages)

    kept = trim_messages(
        JOKES, max_tokens=45, strategy="last", token_counter=words, start_on="human", include_system=True
    )
    assert kept == [JOKES[0], JOKES[-1]]


@pytest.mark.row("M.22")
def test_len_counts_messages():
    kept = trim_messages(JOKES, max_tokens=4, strategy="last", token_counter=len, start_on="human", include_system=True)
    assert kept == [JOKES[0], *JOKES[3:]]


class Model:
    """Counts as a model does."""

    def get_num_tokens_from_messages(self, messages: list[BaseMessage]) -> int:
        return len(messages)


def count_one(message: BaseMessage) -> int:
    return 1


@pytest.mark.row("M.19")
def test_tokens_are_counted_by_list_by_message_by_len_or_by_a_model(monkeypatch: pytest.MonkeyPatch):
    counters: list[Any] = [len, count_one, lambda messages: len(messages), Model()]
    for counter in counters:
        assert trim_messages(TALK, max_tokens=2, token_counter=counter) == [THIRD, FOURTH]
    assert trim_messages(TALK, max_tokens=12, token_counter="approximate") == [FOURTH]
    assert trim_messages([("human", "a"), "b"], max_tokens=1, token_counter=len) == [HumanMessage("b")]
    monkeypatch.setattr(forms, "_makers", [])
    made: list[tuple[Callable[..., Any], str]] = []
    on_runnable(lambda function, name: made.append((function, name)))
    trim_messages(max_tokens=1, token_counter=len)
    filter_messages(include_types=["human"])
    merge_message_runs()
    steps = {name: function for function, name in made}
    assert steps["trim_messages"](TALK) == [FOURTH]
    assert steps["filter_messages"](TALK) == [FIRST, THIRD]
    assert steps["merge_message_runs"](["a", "b"]) == [HumanMessage("a\nb")]


@pytest.mark.row("M.20")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "first", "include_system": True}, "include_system=True"),
        ({"strategy": "first", "start_on": "human"}, "start_on='human'"),
        ({"strategy": "middle"}, "'middle'"),
        ({"token_counter": 5}, "5 cannot count"),
        ({"text_splitter": 5}, "5 cannot split"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        trim_messages(TALK, **{"max_tokens": 3, "token_counter": len, **options})


def test_the_text_at_the_cut_is_split():
    def chars(messages: list[BaseMessage]) -> int:
        return sum(len(message.text) for message in messages)

    text = [HumanMessage("aa\nbb\ncc", id="1")]
    first = trim_messages(text, max_tokens=7, token_counter=chars, strategy="first", allow_partial=True)
    last = trim_messages(text, max_tokens=7, token_counter=chars, allow_partial=True)
    assert [first, last] == [[HumanMessage("aa\nbb\n", id="1")], [HumanMessage("bb\ncc", id="1")]]
    blocks = [HumanMessage([{"type": "text", "text": "abc", "k": 1}])]
    kept = trim_messages(blocks, max_tokens=2, token_counter=chars, allow_partial=True, text_splitter=list)
    assert kept == [HumanMessage([{"type": "text", "text": "bc", "k": 1}])]

    class Splitter:
        def split_text(self, text: str) -> list[str]:
            return list(text)

    assert trim_messages(["abc"], max_tokens=1, token_counter=chars, allow_partial=True, text_splitter=Splitter()) == [
        HumanMessage("c")
    ]


def test_messages_are_filtered_by_name_type_and_id():
    named = [HumanMessage("a", name="x", id="1"), AIMessage("b", id="2"), SystemMessage("c", name="y", id="3")]
    assert filter_messages(named) == named
    assert filter_messages(named, include_names=["x"], include_ids=["3"]) == [named[0], named[2]]
    assert filter_messages(named, include_types=["ai", SystemMessage]) == named[1:]
    assert filter_messages(named, exclude_names=["x"], exclude_ids=["3"]) == [named[1]]
    assert filter_messages(named, exclude_types=[AIMessage, "human"]) == [named[2]]
    assert filter_messages([AIMessageChunk("x")], include_types=["ai"]) == [AIMessageChunk("x")]


def test_tool_calls_are_left_out_with_their_answers():
    calls = [{"name": "f", "args": {}, "id": number, "type": "tool_call"} for number in "12"]
    uses = [{"type": "tool_use", "name": "f", "input": {}, "id": number} for number in "12"]
    asked, answers = AIMessage(uses, tool_calls=calls), [ToolMessage("x", tool_call_id=number) for number in "12"]
    talk = [HumanMessage("q"), asked, *answers]
    assert filter_messages(talk, exclude_tool_calls=True) == talk[:1]
    left = [talk[0], AIMessage(uses[1:], tool_calls=calls[1:]), answers[1]]
    assert filter_messages(talk, exclude_tool_calls=["1"]) == left
    assert filter_messages(talk, exclude_tool_calls=["1", "2"]) == talk[:1]
    assert filter_messages(talk, exclude_tool_calls=["9"]) == talk


def test_runs_by_one_speaker_are_joined():
    call = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}
    talk = [
        HumanMessage("a", id="1"),
        HumanMessage("b", id="2"),
        AIMessage(["x"]),
        AIMessage("y", tool_calls=[call]),
        ToolMessage("r", tool_call_id="1"),
        ToolMessage("s", tool_call_id="2"),
    ]
    merged = [HumanMessage("a\nb", id="1"), AIMessage(["xy"], tool_calls=[call]), *talk[4:]]
    assert merge_message_runs(talk) == merged
    assert merge_message_runs(talk[:2], chunk_separator="") == [HumanMessage("ab", id="1")]
    assert talk[0].content == "a"
