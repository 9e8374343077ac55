"""What stands for a message is taken wherever messages are."""

from typing import Any

import pytest

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    convert_to_openai_messages,
    count_tokens_approximately,
    filter_messages,
    get_buffer_string,
    merge_message_runs,
    trim_messages,
)
from spanloom.runtime.prompts import ChatPromptTemplate, MessagesPlaceholder


class Echo(FakeListChatModel):
    """Answers with what it was asked."""

    responses: list[str] = ["unused"]

    def _call(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> str:
        return get_buffer_string(messages)


FORMS: list[tuple[Any, BaseMessage]] = [
    (HumanMessage("a"), HumanMessage("a")),
    ("a", HumanMessage("a")),
    (("human", "a"), HumanMessage("a")),
    (["human", "a"], HumanMessage("a")),
    (("ai", [{"type": "text", "text": "a"}]), AIMessage([{"type": "text", "text": "a"}])),
    (["system", "a"], SystemMessage("a")),
    ({"role": "user", "content": "a"}, HumanMessage("a")),
    ({"type": "ai", "content": "a"}, AIMessage("a")),
    ({"role": "tool", "content": "a", "tool_call_id": "1"}, ToolMessage("a", tool_call_id="1")),
]
PLACES: dict[str, Any] = {
    "convert": lambda given: convert_to_messages([given]),
    "filter": lambda given: filter_messages([given]),
    "merge": lambda given: merge_message_runs([given]),
    "trim": lambda given: trim_messages([given], max_tokens=9, token_counter=len),
    "placeholder": lambda given: ChatPromptTemplate([MessagesPlaceholder("m")]).invoke({"m": [given]}).to_messages(),
    "optional placeholder": lambda given: ChatPromptTemplate([("placeholder", "{m}")]).format_messages(m=[given]),
}
READERS: dict[str, Any] = {
    "model": lambda given: Echo().invoke([given]).content,
    "openai": lambda given: convert_to_openai_messages([given]),
    "count": lambda given: count_tokens_approximately([given]),
}


@pytest.mark.row("M.07")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("given", "expected"), FORMS)
def test_every_form_is_taken_where_messages_are(place: str, given: Any, expected: BaseMessage) -> None:
    """A message, a text, a pair as tuple or list, and a mapping are all the same message."""
    assert PLACES[place](given) == [expected]


@pytest.mark.row("M.07")
@pytest.mark.parametrize("place", READERS)
@pytest.mark.parametrize(("given", "expected"), FORMS)
def test_every_form_is_read_as_its_message(place: str, given: Any, expected: BaseMessage) -> None:
    """Models and readers make no difference between a message and what stands for it."""
    assert READERS[place](given) == READERS[place](expected)


@pytest.mark.row("M.07")
@pytest.mark.parametrize("given", [g for g, e in FORMS if not isinstance(e, ToolMessage) and not isinstance(g, dict)])
def test_a_chat_prompt_is_made_of_every_form(given: Any) -> None:
    """Where there are no fields, a template makes just the message."""
    assert ChatPromptTemplate([given]).format_messages() == convert_to_messages([given])
    assert ChatPromptTemplate([{"role": "user", "content": "{a}"}]).format_messages(a=1) == [HumanMessage("1")]


@pytest.mark.row("M.07")
@pytest.mark.parametrize("place", [*PLACES, *READERS])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("bogus", "a"), "'bogus'"),
        ({"role": "bogus", "content": "a"}, "'bogus'"),
        ({"content": "a"}, r"\['content'\]"),
        ({"role": "user"}, r"\['role'\]"),
        (("a", "b", "c"), r"\('a', 'b', 'c'\)"),
        (5, "5"),
        (("tool", "said"), r"'said' has no \['tool_call_id'\]"),
        ({"role": "tool", "content": "said"}, r"'said' has no \['tool_call_id'\]"),
        ({"role": "function", "content": "said"}, r"'said' has no \['name'\]"),
    ],
)
def test_what_stands_for_no_message_is_named(place: str, given: Any, said: str) -> None:
    """The error is a ValueError that shows what was given."""
    with pytest.raises(InvalidInputError, match=said):
        {**PLACES, **READERS}[place](given)
