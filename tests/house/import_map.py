"""The names that programs import, by module: what stands below `spanloom.runtime` and must be there."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

COMPLETE = True
"""Set when every module below exists; from then on a missing one fails the test instead of skipping it."""

_RUNNABLES = frozenset(
    {
        "ConfigurableField",
        "ConfigurableFieldMultiOption",
        "ConfigurableFieldSingleOption",
        "ConfigurableFieldSpec",
        "RouterInput",
        "RouterRunnable",
        "Runnable",
        "RunnableAssign",
        "RunnableBinding",
        "RunnableBranch",
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
        "RunnableWithFallbacks",
        "RunnableWithMessageHistory",
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
    "prompts": frozenset(
        {
            "ChatPromptTemplate",
            "FewShotChatMessagePromptTemplate",
            "FewShotPromptTemplate",
            "MessagesPlaceholder",
            "PromptTemplate",
        }
    ),
    "output_parsers": frozenset(
        {
            "CommaSeparatedListOutputParser",
            "JsonOutputParser",
            "PydanticOutputParser",
            "PydanticToolsParser",
            "StrOutputParser",
            "XMLOutputParser",
        }
    ),
    "embeddings": frozenset({"DeterministicFakeEmbedding", "Embeddings"}),
    "example_selectors": frozenset({"LengthBasedExampleSelector", "SemanticSimilarityExampleSelector"}),
    "stores": frozenset({"BaseStore", "InMemoryStore"}),
    "vectorstores": frozenset({"FAISS", "InMemoryVectorStore", "VectorStore"}),
    "tools": frozenset({"BaseTool", "tool"}),
    "documents": frozenset({"Document"}),
    "retrievers": frozenset({"BaseRetriever"}),
    "language_models": frozenset({"LLM", "BaseChatModel", "FakeListChatModel", "GenericFakeChatModel"}),
    "callbacks": _MANAGERS | {"AsyncCallbackHandler", "BaseCallbackHandler"},
    "callbacks.manager": _MANAGERS,
    "callbacks.stdout": frozenset({"StdOutCallbackHandler"}),
    "callbacks.streaming_stdout": frozenset({"StreamingStdOutCallbackHandler"}),
    "callbacks.file": frozenset({"FileCallbackHandler"}),
    "callbacks.usage": frozenset({"UsageMetadataCallbackHandler", "get_usage_metadata_callback"}),
    "chat_history": frozenset({"BaseChatMessageHistory", "InMemoryChatMessageHistory"}),
    "caches": frozenset({"BaseCache", "InMemoryCache"}),
    "globals": frozenset({"get_llm_cache", "set_llm_cache"}),
    "load": frozenset({"dumpd", "dumps", "load", "loads"}),
    "models.llms": frozenset({"ChatGLM"}),
    "outputs": frozenset({"ChatGeneration", "ChatGenerationChunk", "ChatResult", "Generation", "LLMResult"}),
    "prompt_values": frozenset({"ChatPromptValue", "PromptValue", "StringPromptValue"}),
    "runnables.configurable": frozenset({"RunnableConfigurableAlternatives", "RunnableConfigurableFields"}),
    "runnables.graph": frozenset({"Edge", "Graph", "Node"}),
    "runnables.history": frozenset({"RunnableWithMessageHistory"}),
    "runnables.utils": frozenset({"AddableDict", "ConfigurableField", "ConfigurableFieldSpec"}),
    "tracers": frozenset({"BaseTracer", "ConsoleCallbackHandler", "Run", "RunLog", "RunLogPatch"}),
    "tracers.context": frozenset({"collect_runs"}),
    "tracers.schemas": frozenset({"Run"}),
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
