"""A runnable that remembers: what was said in a session goes in before the input, what is said is kept after it.

The session is named under `configurable` in the config. Its runs are, as documented, `RunnableWithMessageHistory` and
below it `insert_history` or `load_history`, and `check_sync_or_async` around the runnable itself. What is said is kept
once the runnable has ended well, before its output is returned; of a stream that is left early nothing is kept.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..chat_history import BaseChatMessageHistory
from ..exceptions import InvalidInputError
from ..messages import (
    AIMessage,
    BaseMessage,
    BaseMessageChunk,
    HumanMessage,
    convert_to_messages,
    message_chunk_to_message,
)
from .base import Runnable
from .binding import RunnableBinding
from .coerce import coerce_to_runnable
from .composed import Composed
from .config import RunnableConfig, merge_configs, resolve
from .fields import ConfigurableFieldSpec, get_unique_config_specs
from .io import Io, fold, single
from .passthrough import RunnablePassthrough
from .sequence import RunnableSequence

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["GetSessionHistoryCallable", "RunnableWithMessageHistory"]

GetSessionHistoryCallable = Callable[..., BaseChatMessageHistory]
"""What gives the history of a session: a function of the values that name it."""

_SESSION_ID = ConfigurableFieldSpec(
    id="session_id",
    annotation=str,
    name="Session ID",
    description="Unique identifier for a session.",
    default="",
    is_shared=True,
)
_HISTORY = "message_history"


class RunnableWithMessageHistory(RunnableBinding):
    """Runs another runnable with the messages of a session, and adds to them.

    Args:
        runnable: Takes messages, or a mapping; gives a text, a message, messages, or a mapping with one of these.
        get_session_history: Gives the history of a session.
        input_messages_key: Where in the input, a mapping, the new messages stand.
        output_messages_key: Where in the output, a mapping, the new messages stand.
        history_messages_key: Where in the input the history is put; before the new messages when not given.
        history_factory_config: The keys under `configurable` that name a session; `session_id` when not given.
        kwargs: Arguments of every call, as `kwargs` and `config` of a binding.

    Raises:
        CoercionError: If the runnable cannot run.
        TypeError: If `get_session_history` is not callable.
        ValueError: If it does not take the keys that name a session.
    """

    _is_dumped = False

    def __init__(
        self,
        runnable: Any,
        get_session_history: GetSessionHistoryCallable,
        *,
        input_messages_key: str | None = None,
        output_messages_key: str | None = None,
        history_messages_key: str | None = None,
        history_factory_config: Sequence[ConfigurableFieldSpec] | None = None,
        **kwargs: Any,
    ) -> None:
        specs = list(history_factory_config) if history_factory_config else [_SESSION_ID]
        self._arity = _checked_arity(get_session_history, [spec.id for spec in specs])
        remembered = coerce_to_runnable(runnable)
        load = _Load(input_messages_key, history_messages_key)
        first: Runnable[Any, Any] = load
        if history_messages_key:
            first = RunnablePassthrough.assign(**{history_messages_key: load})
            first.name = "insert_history"
        chain: RunnableSequence[Any, Any] = RunnableSequence(
            first,
            _Remember(remembered, input_messages_key, output_messages_key, history_messages_key),
            name="RunnableWithMessageHistory",
        )
        super().__init__(bound=chain, **kwargs)
        self.runnable = remembered
        self.get_session_history = get_session_history
        self.input_messages_key = input_messages_key
        self.output_messages_key = output_messages_key
        self.history_messages_key = history_messages_key
        self.history_factory_config = specs

    def __repr__(self) -> str:
        return f"RunnableWithMessageHistory({self.runnable!r})"

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """The keys that name a session, and those of the runnable.

        Raises:
            ValueError: If two of them claim one id for different things.
        """
        return get_unique_config_specs([*self.runnable.config_specs, *self.history_factory_config])

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the input: the new messages, below their key where there is one.

        Args:
            config: Not used.
        """
        from .schemas import model_of_fields, model_of_type

        messages = str | BaseMessage | Sequence[BaseMessage]
        if self.custom_input_type is not None:
            return super().get_input_schema(config)
        if self.input_messages_key:
            return model_of_fields("RunnableWithChatHistoryInput", {self.input_messages_key: (messages, ...)})
        return model_of_type("RunnableWithChatHistoryInput", messages)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the runnable's output.

        Args:
            config: Values of configurable fields, where they change it.
        """
        said = self.custom_output_type is not None
        return super().get_output_schema(config) if said else self.runnable.get_output_schema(config)

    def get_graph(self, config: Any = None) -> Any:
        """Return the graph of the runnable.

        Args:
            config: Values of configurable fields, where they change it.
        """
        return self.runnable.get_graph(config)

    def _config(self, config: RunnableConfig | None) -> RunnableConfig:
        """Return the config with the session's history in it.

        Raises:
            ValueError: If a key that names the session is missing.
        """
        own = merge_configs(self.config, config)
        given = {**resolve(None)[1].get("configurable", {}), **own.get("configurable", {})}
        expected = [spec.id for spec in self.history_factory_config]
        missing = sorted(set(expected) - set(given))
        if missing:
            example = dict.fromkeys(missing, "[your-value-here]")
            raise ValueError(
                f"Missing keys {missing!r} in config['configurable']. Expected keys are {sorted(expected)!r}. "
                f"Pass a config, e.g. chain.invoke({_example(self.input_messages_key)}, "
                f"{{'configurable': {example!r}}})."
            )
        if self._arity == "none":
            history = self.get_session_history()
        elif self._arity == "one":
            history = self.get_session_history(given[expected[0]])
        else:
            history = self.get_session_history(**{key: given[key] for key in expected})
        return merge_configs(own, cast(RunnableConfig, {"configurable": {**given, _HISTORY: history}}))


class _Load(Composed[Any, list[BaseMessage]]):
    """The messages that go in: those of the session, and the new ones where no key is kept for the history."""

    def __init__(self, input_key: str | None, history_key: str | None) -> None:
        self.name = "load_history"
        self.input_key, self.history_key = input_key, history_key

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        history = _history_of(io)
        kept = list(history.messages if io.blocking else await history.aget_messages())
        return kept if self.history_key else [*kept, *_new_messages(value, self.input_key)]


class _Remember(Composed[Any, Any]):
    """The runnable, and after it what keeps what was said."""

    def __init__(
        self, bound: Runnable[Any, Any], input_key: str | None, output_key: str | None, history_key: str | None
    ) -> None:
        self.name = "check_sync_or_async"
        self.bound = bound
        self.input_key, self.output_key, self.history_key = input_key, output_key, history_key

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        output = await io.invoke(self.bound, value, **kwargs)
        await self._keep(value, output, io)
        return output

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        value = fold([chunk async for chunk in chunks])
        made = io.transform(self.bound, single(value), **kwargs)
        seen: list[Any] = []
        try:
            async for chunk in made:
                seen.append(chunk)
                yield chunk
        finally:
            await io.close(made)
        if seen:
            await self._keep(value, fold(seen), io)

    async def _keep(self, value: Any, output: Any, io: Io) -> None:
        history = _history_of(io)
        given = _new_messages(value, self.input_key)
        if not self.history_key:  # the runnable got the history before the new messages
            kept = history.messages if io.blocking else await history.aget_messages()
            given = given[len(kept) :]
        said = [*given, *_said_messages(output, self.output_key)]
        if io.blocking:
            history.add_messages(said)
        else:
            await history.aadd_messages(said)


def _history_of(io: Io) -> BaseChatMessageHistory:
    return cast(BaseChatMessageHistory, io.scope.config["configurable"][_HISTORY])


def _new_messages(value: Any, key: str | None) -> list[BaseMessage]:
    found = value
    if isinstance(value, Mapping):
        key = key or (next(iter(value)) if len(value) == 1 else "input")
        if key not in value:
            raise InvalidInputError(f"The input has no key {key!r}, only {list(value)!r}; set input_messages_key.")
        found = value[key]
    if isinstance(found, str):
        return [HumanMessage(content=found)]
    return _as_messages(found, "The input")


def _said_messages(value: Any, key: str | None) -> list[BaseMessage]:
    found = value
    if isinstance(value, Mapping):
        key = key or (next(iter(value)) if len(value) == 1 else "output")
        if key not in value:
            raise InvalidInputError(f"The output has no key {key!r}, only {list(value)!r}; set output_messages_key.")
        found = value[key]
    if isinstance(found, str):
        return [AIMessage(content=found)]
    return _as_messages(found, "The output")


def _as_messages(found: Any, what: str) -> list[BaseMessage]:
    if isinstance(found, BaseMessage):
        found = [found]
    if isinstance(found, list | tuple):
        if len(found) == 1 and isinstance(found[0], list | tuple):  # as models show their input
            found = found[0]
        messages = convert_to_messages(list(found))
        return [message_chunk_to_message(one) if isinstance(one, BaseMessageChunk) else one for one in messages]
    raise InvalidInputError(f"{what} has {found!r} for messages; expected a text, a message, or a list of messages.")


def _checked_arity(function: Any, keys: list[str]) -> str:
    if not callable(function):
        raise TypeError(f"get_session_history is {function!r}; give a function that returns a chat history.")
    parameters = inspect.signature(function).parameters.values()
    if not parameters:
        return "none"
    if len(keys) == 1:
        return "one"
    names = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD}
    is_open = any(one.kind is one.VAR_KEYWORD for one in parameters)
    if names - set(keys) or (set(keys) - names and not is_open):
        raise ValueError(f"get_session_history takes {sorted(names)!r}; it must take the keys {sorted(keys)!r}.")
    return "named"


def _example(key: str | None) -> str:
    return repr({key: "foo"}) if key else repr("foo")
