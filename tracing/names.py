"""Every name that spanloom puts on the wire, and nothing else.

Span attributes, span event names, metrics and baggage keys live here so that dashboards and stores can be checked
against one table. Names of the OpenTelemetry GenAI conventions are those of semantic conventions v1.41.1.
"""

__all__ = [
    "AWS_GUARDRAIL_ID",
    "AWS_REQUEST_ID",
    "BATCH_INDEX",
    "BATCH_SIZE",
    "CACHE_HIT",
    "DATA_SOURCE_ID",
    "EXCEPTION_EVENT",
    "EXCEPTION_MESSAGE",
    "EXCEPTION_STACKTRACE",
    "EXCEPTION_TYPE",
    "FALLBACK_REASON",
    "FALLBACK_USED",
    "GUARDRAIL_ACTION",
    "GUARDRAIL_ARN",
    "GUARDRAIL_ASSESSMENTS_METRIC",
    "GUARDRAIL_COMPONENT",
    "GUARDRAIL_CONFIDENCE",
    "GUARDRAIL_COUNT",
    "GUARDRAIL_DETECTED",
    "GUARDRAIL_EVENT",
    "GUARDRAIL_FINDINGS",
    "GUARDRAIL_ID",
    "GUARDRAIL_INTERVENTIONS_METRIC",
    "GUARDRAIL_LATENCY_METRIC",
    "GUARDRAIL_LATENCY_S",
    "GUARDRAIL_MATCHES",
    "GUARDRAIL_ORIGIN",
    "GUARDRAIL_POLICY_KIND",
    "GUARDRAIL_RESULT_REASON",
    "GUARDRAIL_RESULT_TYPE",
    "GUARDRAIL_RESULT_VALUE",
    "GUARDRAIL_RULE",
    "GUARDRAIL_SCORE",
    "GUARDRAIL_SOURCE",
    "GUARDRAIL_THRESHOLD",
    "GUARDRAIL_UNIT",
    "GUARDRAIL_UNITS_METRIC",
    "GUARDRAIL_VERSION",
    "JOURNAL_PREFIX",
    "METADATA_PREFIX",
    "METRIC_LABELS",
    "MODEL_LATENCY_S",
    "OPERATION_NAME",
    "OUTCOME",
    "PROVIDER_NAME",
    "RATE_LIMIT_WAIT_S",
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
    "SERVICE_TIER",
    "STREAM_CHUNKS",
    "STREAM_GAP_MAX_S",
    "STREAM_GAP_MEAN_S",
    "TIME_TO_FIRST_CHUNK",
    "TOOL_NAME",
    "USAGE_CACHE_CREATION_TOKENS",
    "USAGE_CACHE_READ_TOKENS",
    "USAGE_INPUT_TOKENS",
    "USAGE_OUTPUT_TOKENS",
    "USAGE_REASONING_TOKENS",
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

CACHE_HIT = "spanloom.cache.hit"
"""True on the span of a model's run that a cache answered; absent where the provider was asked."""

RATE_LIMIT_WAIT_S = "spanloom.rate_limit.wait_s"
"""How long a model's run waited for its rate limiter, in seconds; absent where it has none."""

STREAM_CHUNKS = "spanloom.stream.chunks"
"""How many chunks a model streamed."""

STREAM_GAP_MEAN_S = "spanloom.stream.gap_mean_s"
"""The mean time between two of them, in seconds, as they were read; absent below two chunks."""

STREAM_GAP_MAX_S = "spanloom.stream.gap_max_s"
"""The longest time between two of them, in seconds; absent below two chunks."""

OPERATION_NAME = "gen_ai.operation.name"
"""chat, text_completion, retrieval, apply_guardrail or execute_tool; absent on plain steps."""

PROVIDER_NAME = "gen_ai.provider.name"
"""Who serves the model."""

REQUEST_MODEL = "gen_ai.request.model"
"""The model asked for."""

REQUEST_STREAM = "gen_ai.request.stream"
"""True when the model was asked to stream."""

TOOL_NAME = "gen_ai.tool.name"
"""The tool that a tool run executes."""

AWS_GUARDRAIL_ID = "aws.bedrock.guardrail.id"
"""The guardrail that the request asked for, where it asked for one."""

AWS_REQUEST_ID = "aws.request_id"
"""The service's id of the request, to quote to its support."""

MODEL_LATENCY_S = "spanloom.model.latency_s"
"""How long the model took by its service's own clock, in seconds."""

SERVICE_TIER = "spanloom.model.service_tier"
"""The tier by which the call was served, in the provider's word."""

RESPONSE_ID = "gen_ai.response.id"
"""The provider's id of the answer."""

RESPONSE_MODEL = "gen_ai.response.model"
"""The model that answered."""

RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
"""Why the model stopped, one entry an answer."""

TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
"""Seconds from the start of a streamed call to its first chunk."""

USAGE_CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
"""Tokens of the input that came from a cache; absent when the provider counts none."""

USAGE_CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
"""Tokens of the input that were put into a cache; absent when the provider counts none."""

USAGE_REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
"""Tokens of the output that were reasoning; absent when the provider counts none."""

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

DATA_SOURCE_ID = "gen_ai.data_source.id"
"""The knowledge base that a retriever asks."""

GUARDRAIL_EVENT = "gen_ai.guardrail.result"
"""The span event of one finding of a guardrail, and the log record of one intervention.

The `gen_ai.guardrail.*` names are those of a draft of the conventions, not merged; values are the provider's own.
"""

GUARDRAIL_COMPONENT = "gen_ai.guardrail.component.name"
"""What looked at the content."""

GUARDRAIL_ID = "gen_ai.guardrail.policy.id"
"""The guardrail's id."""

GUARDRAIL_VERSION = "gen_ai.guardrail.policy.version"
"""The guardrail's version."""

GUARDRAIL_RULE = "gen_ai.guardrail.policy.rule.id"
"""The name of the topic, filter, entity or pattern that was found; never the user's text."""

GUARDRAIL_SOURCE = "gen_ai.guardrail.source"
"""INPUT or OUTPUT: whose content was looked at; absent where the provider does not tell."""

GUARDRAIL_RESULT_TYPE = "gen_ai.guardrail.result.type"
"""What the value is: action, or finding where the policy only reports."""

GUARDRAIL_RESULT_VALUE = "gen_ai.guardrail.result.value"
"""What the guardrail did, in the provider's words, such as BLOCKED or ANONYMIZED."""

GUARDRAIL_RESULT_REASON = "gen_ai.guardrail.result.reason"
"""The provider's own sentence on why it acted."""

GUARDRAIL_ACTION = "spanloom.guardrail.action"
"""What the guardrail did with the whole content, in the provider's words."""

GUARDRAIL_POLICY_KIND = "spanloom.guardrail.policy.kind"
"""topic, content, word, sensitive_information, contextual_grounding or automated_reasoning; several joined by `+`."""

GUARDRAIL_ARN = "spanloom.guardrail.arn"
"""The guardrail's ARN, where it was told."""

GUARDRAIL_ORIGIN = "spanloom.guardrail.origin"
"""REQUEST, ACCOUNT_ENFORCED or ORGANIZATION_ENFORCED: who asked for the guardrail; several joined by `+`."""

GUARDRAIL_COUNT = "spanloom.guardrail.count"
"""How many findings look like this one."""

GUARDRAIL_DETECTED = "spanloom.guardrail.detected"
"""Whether the policy found what it looks for; it may find and not act."""

GUARDRAIL_CONFIDENCE = "spanloom.guardrail.confidence"
"""How sure the filter is, in the provider's words."""

GUARDRAIL_SCORE = "spanloom.guardrail.score"
"""What the filter measured; for grounding a high score is a good one."""

GUARDRAIL_THRESHOLD = "spanloom.guardrail.threshold"
"""The score at which the filter acts."""

GUARDRAIL_MATCHES = "spanloom.guardrail.matches"
"""The user's texts that were found; only while content is captured, redacted."""

GUARDRAIL_FINDINGS = "spanloom.guardrail.findings"
"""On the log record: one `kind:rule:action` for each finding."""

GUARDRAIL_LATENCY_S = "spanloom.guardrail.latency_s"
"""How long the guardrail took, in seconds."""

GUARDRAIL_UNIT = "spanloom.guardrail.unit"
"""Which unit was used, in the provider's words, such as topicPolicyUnits."""

GUARDRAIL_INTERVENTIONS_METRIC = "spanloom.guardrail.interventions"
"""Counter: interventions."""

GUARDRAIL_ASSESSMENTS_METRIC = "spanloom.guardrail.assessments"
"""Counter: the findings of interventions, by policy kind and action."""

GUARDRAIL_LATENCY_METRIC = "spanloom.guardrail.latency"
"""Histogram, seconds: how long guardrails that intervened took."""

GUARDRAIL_UNITS_METRIC = "spanloom.guardrail.units"
"""Counter: the units that guardrails which intervened used."""

METRIC_LABELS = frozenset(
    {GUARDRAIL_ID, GUARDRAIL_SOURCE, GUARDRAIL_POLICY_KIND, GUARDRAIL_ACTION, GUARDRAIL_UNIT, REQUEST_MODEL}
)
"""Every label a metric may carry."""
