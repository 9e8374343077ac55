"""The names that programs import, by module: what stands below `spanloom.runtime` and must be there."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

COMPLETE = False
"""Set when every module below exists; from then on a missing one fails the test instead of skipping it."""

_RUNNABLES = frozenset(
    {
        "Runnable",
        "RunnableAssign",
        "RunnableBinding",
        "RunnableConfig",
        "RunnableEach",
        "RunnableGenerator",
        "RunnableLambda",
        "RunnableMap",
        "RunnableParallel",
        "RunnablePassthrough",
        "RunnablePick",
        "RunnableSequence",
        "RunnableSerializable",
        "chain",
        "ensure_config",
    }
)
_MANAGERS = frozenset(
    {
        "AsyncCallbackManager",
        "AsyncCallbackManagerForChainRun",
        "AsyncCallbackManagerForLLMRun",
        "AsyncCallbackManagerForRetrieverRun",
        "AsyncCallbackManagerForToolRun",
        "CallbackManager",
        "CallbackManagerForChainRun",
        "CallbackManagerForLLMRun",
        "CallbackManagerForRetrieverRun",
        "CallbackManagerForToolRun",
        "adispatch_custom_event",
        "dispatch_custom_event",
    }
)

IMPORT_MAP: dict[str, frozenset[str]] = {
    "runnables": _RUNNABLES,
    "runnables.config": frozenset({"RunnableConfig", "ensure_config"}),
    "runnables.schema": frozenset({"StreamEvent"}),
    "messages": frozenset(
        {
            "AIMessage",
            "AIMessageChunk",
            "BaseMessage",
            "BaseMessageChunk",
            "HumanMessage",
            "SystemMessage",
            "ToolMessage",
        }
    ),
    "prompts": frozenset({"ChatPromptTemplate", "MessagesPlaceholder", "PromptTemplate"}),
    "output_parsers": frozenset({"JsonOutputParser", "StrOutputParser"}),
    "tools": frozenset({"BaseTool", "tool"}),
    "documents": frozenset({"Document"}),
    "retrievers": frozenset({"BaseRetriever"}),
    "language_models": frozenset({"LLM", "BaseChatModel", "FakeListChatModel", "GenericFakeChatModel"}),
    "callbacks": _MANAGERS | {"AsyncCallbackHandler", "BaseCallbackHandler"},
    "callbacks.manager": _MANAGERS,
    "models.llms": frozenset({"ChatGLM"}),
}
"""Module below `spanloom.runtime` -> the names that it must offer."""


def not_built(name: str) -> str:
    """Return why a module cannot be asked for its names yet; empty when it can."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as err:
        if not (err.name or "").startswith("spanloom."):
            raise
        return f"{err.name} does not exist"
    return "" if getattr(module, "__all__", ()) else f"{name} offers no name"


def missing_names(name: str, wanted: Iterable[str]) -> list[str]:
    """Return the names that a module does not have."""
    module = importlib.import_module(name)
    return sorted(public for public in wanted if not hasattr(module, public))
