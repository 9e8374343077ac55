"""How configs merge: later wins, tags unite, callbacks add up; and it does not matter how it is bracketed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloom.runtime.callbacks import BaseCallbackHandler, CallbackManager
from spanloom.runtime.runnables import RunnableConfig, RunnableLambda, merge_configs
from spanloom.runtime.runnables.config import ensure_config, get_config_list, patch_config

HANDLERS = [BaseCallbackHandler() for _ in range(4)]
WORDS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(0, 3)


def _manager(handlers: list[BaseCallbackHandler]) -> CallbackManager:
    return CallbackManager(handlers, handlers)


CALLBACKS = st.lists(st.sampled_from(HANDLERS), unique=True, max_size=3).flatmap(
    lambda handlers: st.sampled_from([handlers, None, _manager(handlers)])
)
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(WORDS, max_size=3),
        "metadata": st.dictionaries(WORDS, NUMBERS, max_size=3),
        "configurable": st.dictionaries(WORDS, NUMBERS, max_size=3),
        "callbacks": CALLBACKS,
        "run_name": WORDS,
        "max_concurrency": NUMBERS,
        "recursion_limit": NUMBERS,
    },
)


def shown(config: RunnableConfig) -> dict[str, Any]:
    """A config to compare: tags as a set, callbacks as the set of their handlers."""
    made: dict[str, Any] = dict(config)
    callbacks = made.pop("callbacks", None)
    handlers = callbacks.handlers if isinstance(callbacks, CallbackManager) else callbacks or []
    return {**made, "tags": set(made.get("tags", ())), "callbacks": {id(handler) for handler in handlers}}


@given(CONFIGS, CONFIGS, CONFIGS)
def test_merging_is_associative(first: Any, second: Any, third: Any) -> None:
    """(a + b) + c is a + (b + c), callbacks compared as sets of handlers."""
    left = merge_configs(merge_configs(first, second), third)
    right = merge_configs(first, merge_configs(second, third))
    assert shown(left) == shown(right) == shown(merge_configs(first, second, third))


@given(CONFIGS, CONFIGS)
def test_merging_leaves_what_it_was_given(first: Any, second: Any) -> None:
    """Neither config is changed, nor a manager in it."""
    before = shown(first), shown(second)
    merge_configs(first, second)
    assert (shown(first), shown(second)) == before


@given(CONFIGS)
def test_merging_with_nothing_changes_nothing(config: Any) -> None:
    """None and an empty config are the neutral elements."""
    assert shown(merge_configs(config, None)) == shown(merge_configs({}, config)) == shown(merge_configs(config))


def test_a_later_config_wins_and_tags_are_sorted_and_unique() -> None:
    """The documented rules, once by hand."""
    first: RunnableConfig = {"tags": ["z", "a"], "metadata": {"k": 1, "m": 1}, "run_name": "one", "max_concurrency": 2}
    second: RunnableConfig = {"tags": ["a", "b"], "metadata": {"k": 2}, "run_name": "two"}
    assert merge_configs(first, second) == {
        "tags": ["a", "b", "z"],
        "metadata": {"k": 2, "m": 1},
        "run_name": "two",
        "max_concurrency": 2,
    }


def test_a_patched_config_gets_new_callbacks_without_the_old_name() -> None:
    """A name and an id belong to one run and go with the callbacks that were its own."""
    manager = CallbackManager([])
    made = patch_config({"run_name": "old", "run_id": None, "tags": ["t"]}, callbacks=manager, max_concurrency=3)
    assert made.get("callbacks") is manager
    assert "run_name" not in made
    assert (made["tags"], made["max_concurrency"], made["recursion_limit"]) == (["t"], 3, 25)


def test_a_config_inside_a_run_takes_what_the_call_does_not_say_from_the_run() -> None:
    """Tags, metadata, limits and configurable values reach nested calls without being passed."""
    seen: list[RunnableConfig] = []
    inner = RunnableLambda(lambda value: seen.append(ensure_config()) or value)
    outer = RunnableLambda(inner.invoke)
    outer.invoke(1, {"tags": ["t"], "metadata": {"k": 1}, "configurable": {"user": "u"}, "max_concurrency": 2})
    assert [(c["tags"], c["metadata"], c["configurable"], c["max_concurrency"]) for c in seen] == [
        (["t"], {"k": 1}, {"user": "u"}, 2)
    ]


def test_a_list_of_configs_gives_the_run_id_to_the_first_input() -> None:
    """One config for all: only one run can have its id."""
    configs = get_config_list({"run_id": "0190a5b2-7c00-7abc-8def-0123456789ab"}, 3)  # type: ignore[typeddict-item]
    assert [("run_id" in config) for config in configs] == [True, False, False]
    with pytest.raises(ValueError, match="length is -1"):
        get_config_list({}, -1)


async def test_the_recursion_limit_ends_functions_that_return_themselves() -> None:
    """A function that returns itself as a runnable stops with the advice to raise the limit."""

    def again(value: int) -> Any:
        return endless

    endless = RunnableLambda(again, name="again")
    with pytest.raises(RecursionError, match="raise recursion_limit in the config"):
        endless.invoke(1, {"recursion_limit": 4})
    with pytest.raises(RecursionError, match="again returned a runnable"):
        await endless.ainvoke(1)
