"""Every name that spanloom puts on the wire, and nothing else.

Span attributes, span event names and baggage keys live here so that dashboards and stores can be checked against one
table. Names of the OpenTelemetry GenAI conventions are those of semantic conventions v1.41.1.
"""

__all__ = [
    "BATCH_INDEX",
    "BATCH_SIZE",
    "EXCEPTION_EVENT",
    "EXCEPTION_MESSAGE",
    "EXCEPTION_STACKTRACE",
    "EXCEPTION_TYPE",
    "FALLBACK_REASON",
    "FALLBACK_USED",
    "JOURNAL_PREFIX",
    "METADATA_PREFIX",
    "OPERATION_NAME",
    "OUTCOME",
    "PROVIDER_NAME",
    "REQUEST_MODEL",
    "REQUEST_STREAM",
    "RESPONSE_FINISH_REASONS",
    "RESPONSE_ID",
    "RESPONSE_MODEL",
    "RETRY_ATTEMPT",
    "RETRY_ATTEMPTS",
    "RETRY_DELAY_S",
    "RETRY_EVENT",
    "RETRY_REASON",
    "RETRY_TOTAL_DELAY_S",
    "RUN_ID",
    "RUN_NAME",
    "RUN_PARENT_ID",
    "RUN_STEP",
    "RUN_TAGS",
    "RUN_TYPE",
    "SCOPE_NAME",
    "TIME_TO_FIRST_CHUNK",
    "TOOL_NAME",
    "USAGE_INPUT_TOKENS",
    "USAGE_OUTPUT_TOKENS",
]

SCOPE_NAME = "spanloom"
"""The instrumentation scope of every span we open."""

RUN_ID = "spanloom.run.id"
"""The run's id, a UUID in its usual text form; on every span."""

RUN_NAME = "spanloom.run.name"
"""The run's name, where the span is named after a convention instead."""

RUN_PARENT_ID = "spanloom.run.parent_id"
"""The id of the run that started this one; absent on a root run."""

RUN_TYPE = "spanloom.run.type"
"""chain, chat_model, llm, prompt, parser, tool or retriever."""

RUN_STEP = "spanloom.run.step"
"""The tag of the run's place in its parent, such as `seq:step:1`; apart from the tags, since one text costs less."""

RUN_TAGS = "spanloom.run.tags"
"""The run's other tags, inherited ones included; absent when there are none."""

METADATA_PREFIX = "spanloom.metadata."
"""Each scalar of a run's metadata stands under this prefix and its own key."""

OUTCOME = "spanloom.run.outcome"
"""ok, error, cancelled or abandoned; set when the run ends."""

JOURNAL_PREFIX = "spanloom.journal."
"""A journal sent over OTLP is cut into attributes `spanloom.journal.0`, `.1`, ... to be joined in order."""

BATCH_INDEX = "spanloom.batch.index"
"""The place of this run's input in its batch, from 0."""

BATCH_SIZE = "spanloom.batch.size"
"""How many inputs a batch has; on the span that groups their runs, which is no run itself."""

RETRY_ATTEMPTS = "spanloom.retry.attempts"
"""How many attempts a retry took; on the retry's span."""

RETRY_REASON = "spanloom.retry.reason"
"""The class of the exception that led to the last retry; absent when the first attempt was the only one."""

RETRY_TOTAL_DELAY_S = "spanloom.retry.total_delay_s"
"""How long a retry waited between its attempts, in seconds; absent when there was one attempt."""

RETRY_EVENT = "spanloom.retry"
"""The span event of an attempt that failed and is followed by another."""

RETRY_ATTEMPT = "spanloom.retry.attempt"
"""On that event: the number of the attempt that failed, from 1."""

RETRY_DELAY_S = "spanloom.retry.delay_s"
"""On that event: the wait before the next attempt, in seconds."""

FALLBACK_USED = "spanloom.fallback.used"
"""Which runnable answered: 0 for the first choice, 1 for the first fallback; absent when none did."""

FALLBACK_REASON = "spanloom.fallback.reason"
"""The class of the exception of the one before it; absent when the first choice answered."""

OPERATION_NAME = "gen_ai.operation.name"
"""chat, text_completion, retrieval or execute_tool; absent on plain steps."""

PROVIDER_NAME = "gen_ai.provider.name"
"""Who serves the model."""

REQUEST_MODEL = "gen_ai.request.model"
"""The model asked for."""

REQUEST_STREAM = "gen_ai.request.stream"
"""True when the model was asked to stream."""

TOOL_NAME = "gen_ai.tool.name"
"""The tool that a tool run executes."""

RESPONSE_ID = "gen_ai.response.id"
"""The provider's id of the answer."""

RESPONSE_MODEL = "gen_ai.response.model"
"""The model that answered."""

RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
"""Why the model stopped, one entry an answer."""

TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
"""Seconds from the start of a streamed call to its first chunk."""

USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
"""Tokens the model read, cached ones included."""

USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
"""Tokens the model wrote."""

EXCEPTION_EVENT = "exception"
"""The span event of the exception that ended a run."""

EXCEPTION_TYPE = "exception.type"
"""The name of its class."""

EXCEPTION_MESSAGE = "exception.message"
"""Its message, redacted."""

EXCEPTION_STACKTRACE = "exception.stacktrace"
"""Where it came from, redacted."""
