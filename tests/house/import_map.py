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
    "runnables.base": frozenset(
        {
            "Runnable",
            "RunnableBinding",
            "RunnableGenerator",
            "RunnableLambda",
            "RunnableMap",
            "RunnableParallel",
            "RunnableSequence",
            "RunnableSerializable",
            "chain",
            "coerce_to_runnable",
        }
    ),
    "runnables.config": frozenset({"RunnableConfig", "ensure_config", "run_in_executor"}),
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
    "embeddings.embeddings": frozenset({"Embeddings"}),
    "embeddings.fake": frozenset({"DeterministicFakeEmbedding", "FakeEmbeddings"}),
    "embeddings": frozenset({"DeterministicFakeEmbedding", "Embeddings"}),
    "example_selectors": frozenset({"LengthBasedExampleSelector", "SemanticSimilarityExampleSelector"}),
    "stores": frozenset({"BaseStore", "InMemoryStore"}),
    "vectorstores": frozenset({"FAISS", "InMemoryVectorStore", "VectorStore"}),
    "tools": frozenset(
        {
            "BaseTool",
            "BaseToolkit",
            "InjectedToolArg",
            "InjectedToolCallId",
            "StructuredTool",
            "Tool",
            "ToolException",
            "convert_runnable_to_tool",
            "create_retriever_tool",
            "render_text_description",
            "render_text_description_and_args",
            "tool",
        }
    ),
    "documents": frozenset({"Document"}),
    "documents.base": frozenset({"Document"}),
    "retrievers": frozenset({"BaseRetriever"}),
    "language_models": frozenset(
        {
            "LLM",
            "BaseChatModel",
            "BaseLLM",
            "BaseLanguageModel",
            "FakeListChatModel",
            "FakeListLLM",
            "FakeMessagesListChatModel",
            "FakeStreamingListLLM",
            "GenericFakeChatModel",
            "LangSmithParams",
            "LanguageModelInput",
            "LanguageModelLike",
            "LanguageModelOutput",
            "ParrotFakeChatModel",
            "SimpleChatModel",
        }
    ),
    "language_models.base": frozenset({"BaseLanguageModel", "LangSmithParams", "LanguageModelInput"}),
    "language_models.chat_models": frozenset(
        {"BaseChatModel", "SimpleChatModel", "agenerate_from_stream", "generate_from_stream"}
    ),
    "language_models.fake": frozenset({"FakeListLLM", "FakeListLLMError", "FakeStreamingListLLM"}),
    "language_models.fake_chat_models": frozenset(
        {
            "FakeChatModel",
            "FakeListChatModel",
            "FakeListChatModelError",
            "FakeMessagesListChatModel",
            "GenericFakeChatModel",
            "ParrotFakeChatModel",
        }
    ),
    "language_models.llms": frozenset({"LLM", "BaseLLM"}),
    "callbacks": _MANAGERS | {"AsyncCallbackHandler", "BaseCallbackHandler"},
    "callbacks.manager": _MANAGERS,
    "callbacks.stdout": frozenset({"StdOutCallbackHandler"}),
    "callbacks.streaming_stdout": frozenset({"StreamingStdOutCallbackHandler"}),
    "callbacks.file": frozenset({"FileCallbackHandler"}),
    "callbacks.usage": frozenset({"UsageMetadataCallbackHandler", "get_usage_metadata_callback"}),
    "chat_history": frozenset({"BaseChatMessageHistory", "InMemoryChatMessageHistory"}),
    "caches": frozenset({"BaseCache", "InMemoryCache", "SQLiteCache"}),
    "globals": frozenset({"get_llm_cache", "set_llm_cache"}),
    "load": frozenset({"InitValidator", "Serializable", "dumpd", "dumps", "load", "loads"}),
    "load.dump": frozenset({"dumpd", "dumps"}),
    "load.load": frozenset({"load", "loads"}),
    "load.serializable": frozenset({"Serializable"}),
    "models.llms": frozenset({"ChatGLM"}),
    "outputs": frozenset({"ChatGeneration", "ChatGenerationChunk", "ChatResult", "Generation", "LLMResult"}),
    "outputs.chat_generation": frozenset({"ChatGeneration", "ChatGenerationChunk"}),
    "outputs.chat_result": frozenset({"ChatResult"}),
    "outputs.generation": frozenset({"Generation", "GenerationChunk"}),
    "outputs.llm_result": frozenset({"LLMResult"}),
    "outputs.run_info": frozenset({"RunInfo"}),
    "prompts.chat": frozenset(
        {
            "AIMessagePromptTemplate",
            "ChatMessagePromptTemplate",
            "ChatPromptTemplate",
            "HumanMessagePromptTemplate",
            "MessagesPlaceholder",
            "SystemMessagePromptTemplate",
        }
    ),
    "prompts.dict": frozenset({"DictPromptTemplate"}),
    "prompts.few_shot": frozenset({"FewShotChatMessagePromptTemplate", "FewShotPromptTemplate"}),
    "prompts.few_shot_with_templates": frozenset({"FewShotPromptWithTemplates"}),
    "prompts.image": frozenset({"ImagePromptTemplate"}),
    "prompts.loading": frozenset({"load_prompt", "load_prompt_from_config"}),
    "prompts.message": frozenset({"BaseMessagePromptTemplate"}),
    "prompts.prompt": frozenset({"PromptTemplate"}),
    "prompts.string": frozenset(
        {"StringPromptTemplate", "check_valid_template", "get_template_variables", "jinja2_formatter"}
    ),
    "prompts.structured": frozenset({"StructuredPrompt"}),
    "messages.ai": frozenset({"AIMessage", "AIMessageChunk", "UsageMetadata", "add_usage"}),
    "messages.base": frozenset({"BaseMessage", "BaseMessageChunk", "merge_content", "message_to_dict"}),
    "messages.chat": frozenset({"ChatMessage", "ChatMessageChunk"}),
    "messages.content": frozenset({"ContentBlock", "ReasoningContentBlock", "TextContentBlock", "create_text_block"}),
    "messages.function": frozenset({"FunctionMessage", "FunctionMessageChunk"}),
    "messages.human": frozenset({"HumanMessage", "HumanMessageChunk"}),
    "messages.modifier": frozenset({"RemoveMessage"}),
    "messages.system": frozenset({"SystemMessage", "SystemMessageChunk"}),
    "messages.tool": frozenset(
        {
            "ToolCall",
            "ToolCallChunk",
            "ToolMessage",
            "default_tool_chunk_parser",
            "default_tool_parser",
            "tool_call",
            "tool_call_chunk",
        }
    ),
    "messages.utils": frozenset(
        {
            "convert_to_messages",
            "count_tokens_approximately",
            "get_buffer_string",
            "messages_from_dict",
            "trim_messages",
        }
    ),
    "prompt_values": frozenset({"ChatPromptValue", "PromptValue", "StringPromptValue"}),
    "rate_limiters": frozenset({"BaseRateLimiter", "InMemoryRateLimiter"}),
    "runnables.configurable": frozenset({"RunnableConfigurableAlternatives", "RunnableConfigurableFields"}),
    "runnables.graph": frozenset({"Edge", "Graph", "Node"}),
    "runnables.history": frozenset({"RunnableWithMessageHistory"}),
    "runnables.utils": frozenset({"AddableDict", "ConfigurableField", "ConfigurableFieldSpec"}),
    "output_parsers.base": frozenset({"BaseGenerationOutputParser", "BaseLLMOutputParser", "BaseOutputParser"}),
    "output_parsers.format_instructions": frozenset({"JSON_FORMAT_INSTRUCTIONS"}),
    "output_parsers.json": frozenset(
        {"JsonOutputParser", "SimpleJsonOutputParser", "parse_json_markdown", "parse_partial_json"}
    ),
    "output_parsers.list": frozenset(
        {"CommaSeparatedListOutputParser", "ListOutputParser", "MarkdownListOutputParser", "NumberedListOutputParser"}
    ),
    "output_parsers.openai_functions": frozenset(
        {
            "JsonKeyOutputFunctionsParser",
            "JsonOutputFunctionsParser",
            "OutputFunctionsParser",
            "PydanticAttrOutputFunctionsParser",
            "PydanticOutputFunctionsParser",
        }
    ),
    "output_parsers.openai_tools": frozenset(
        {
            "JsonOutputKeyToolsParser",
            "JsonOutputToolsParser",
            "PydanticToolsParser",
            "make_invalid_tool_call",
            "parse_tool_call",
            "parse_tool_calls",
        }
    ),
    "output_parsers.pydantic": frozenset({"PydanticOutputParser"}),
    "output_parsers.string": frozenset({"StrOutputParser"}),
    "output_parsers.transform": frozenset({"BaseCumulativeTransformOutputParser", "BaseTransformOutputParser"}),
    "output_parsers.xml": frozenset({"XMLOutputParser"}),
    "tools.base": frozenset(
        {
            "ArgsSchema",
            "BaseTool",
            "BaseToolkit",
            "InjectedToolArg",
            "InjectedToolCallId",
            "ToolException",
            "create_schema_from_function",
        }
    ),
    "tools.convert": frozenset({"convert_runnable_to_tool", "tool"}),
    "tools.render": frozenset({"ToolsRenderer", "render_text_description", "render_text_description_and_args"}),
    "tools.retriever": frozenset({"RetrieverInput", "create_retriever_tool"}),
    "tools.simple": frozenset({"Tool"}),
    "tools.structured": frozenset({"StructuredTool"}),
    "utils": frozenset(
        {"convert_to_secret_str", "from_env", "get_from_dict_or_env", "get_from_env", "secret_from_env"}
    ),
    "utils.env": frozenset({"env_var_is_set", "get_from_dict_or_env", "get_from_env"}),
    "utils.utils": frozenset({"convert_to_secret_str", "from_env", "secret_from_env"}),
    "utils.function_calling": frozenset(
        {"convert_to_json_schema", "convert_to_openai_function", "convert_to_openai_tool", "tool_example_to_messages"}
    ),
    "utils.json": frozenset({"parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json"}),
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
