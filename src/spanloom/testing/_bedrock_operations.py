"""The built-in answers of the Bedrock test server: what each operation says when no test ordered otherwise."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _bedrock_converse as converse
from ._bedrock_families import family_of
from ._bedrock_guardrail import Guarded, Guardrail, ask_guarded, reason_of
from ._bedrock_model import Block, Reply, token_count
from ._bedrock_script import Refusal, Route, Step

__all__ = ["Answer", "Asked", "answer_of"]

_INVOCATION_MS = 21
_FIRST_BYTE_MS = 5
_ACCOUNT = "123456789012"
_PASSAGES = (
    ("Paris is the capital of France.", "s3://library/geo.md"),
    ("Berlin is the capital of Germany.", "s3://library/geo.md"),
    ("Cheese is loved in France.", "s3://library/food.md"),
)
"""The knowledge base of a server that was given no passages."""
_TAG = "amazon-bedrock-guardrails-guardContent"
_TAGGED = re.compile(rf"<{_TAG}_(\w+)>(.*?)</{_TAG}_\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to answer, and what the server knows."""

    route: Route
    headers: Mapping[str, str]
    json: Any
    guardrails: Mapping[tuple[str, str], Guardrail]
    blocks: list[Block] | None = None
    """What the model says, in Converse's form; None makes it from the question."""

    def guardrail(self, id: Any, version: Any) -> Guardrail | None:
        """Return the guardrail that a request names, or None when it names none.

        Args:
            id: Its id or ARN.
            version: Its version.

        Raises:
            Refusal: If the server knows no such guardrail.
        """
        if not id:
            return None
        found = self.guardrails.get((str(id).rpartition("/")[2], str(version)))
        if found is None:
            raise Refusal(
                "ValidationException", "The guardrail identifier or version provided in the request does not exist."
            )
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: JSON, or the events of a stream."""

    json: Any = None
    events: list[Step] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0
    """The tokens that a model makes for a whole answer."""


def answer_of(asked: Asked) -> Answer:
    """Return the built-in answer to a request.

    Args:
        asked: The request.

    Raises:
        Refusal: If Bedrock would refuse the request.
    """
    try:
        return _ANSWERS[asked.route.operation](asked)
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise Refusal("ValidationException", f"Malformed input request: {type(err).__name__}: {err}") from err


def _converse(asked: Asked) -> Answer:
    reply, guarded = _converse_reply(asked)
    return Answer(converse.whole_of(reply, guarded, asked.json), tokens=reply.output_tokens)


def _converse_stream(asked: Asked) -> Answer:
    reply, guarded = _converse_reply(asked)
    return Answer(events=converse.events_of(reply, guarded, asked.json))


def _converse_reply(asked: Asked) -> tuple[Reply, Guarded]:
    config = asked.json.get("guardrailConfig") or {}
    guardrail = asked.guardrail(config.get("guardrailIdentifier"), config.get("guardrailVersion"))
    return ask_guarded(converse.question_of(asked.json), guardrail, asked.blocks)


def _invoke(asked: Asked) -> Answer:
    family = family_of(asked.route.ids[0], asked.json)
    reply, guarded, with_trace = _invoke_reply(asked)
    body = {**family.whole(reply, asked.json), **guarded.body_keys(with_trace=with_trace)}
    headers = {
        "X-Amzn-Bedrock-Input-Token-Count": str(reply.input_tokens),
        "X-Amzn-Bedrock-Output-Token-Count": str(reply.output_tokens),
        "X-Amzn-Bedrock-Invocation-Latency": str(_INVOCATION_MS),
        **_echoed(asked.headers),
    }
    return Answer(body, headers=headers, tokens=reply.output_tokens)


def _invoke_stream(asked: Asked) -> Answer:
    family = family_of(asked.route.ids[0], asked.json)
    if family.chunks is None:
        raise Refusal("ValidationException", "The model is unsupported for streaming.")
    reply, guarded, with_trace = _invoke_reply(asked)
    metrics = {
        "inputTokenCount": reply.input_tokens,
        "outputTokenCount": reply.output_tokens,
        "invocationLatency": _INVOCATION_MS,
        "firstByteLatency": _FIRST_BYTE_MS,
    }
    last = {"amazon-bedrock-invocationMetrics": metrics, **guarded.body_keys(with_trace=with_trace)}
    *chunks, end = family.chunks(reply, asked.json)
    events: list[Step] = [("chunk", {"bytes": _encoded(document)}) for document in (*chunks, {**end, **last})]
    if family.end is not None:
        events.append(("chunk", {"bytes": _encoded(family.end)}))
    headers = {"X-Amzn-Bedrock-Content-Type": "application/json", **_echoed(asked.headers)}
    return Answer(events=events, headers=headers)


def _invoke_reply(asked: Asked) -> tuple[Reply, Guarded, bool]:
    headers, body = asked.headers, asked.json
    question = family_of(asked.route.ids[0], body).read(body)
    guardrail = asked.guardrail(
        headers.get("x-amzn-bedrock-guardrailidentifier"), headers.get("x-amzn-bedrock-guardrailversion")
    )
    config = body.get("amazon-bedrock-guardrailConfig")
    if config is not None and guardrail is None:
        raise Refusal("ValidationException", "amazon-bedrock-guardrailConfig needs a guardrail identifier and version.")
    suffix = (config or {}).get("tagSuffix")
    if suffix is not None:
        tagged = [part for _, text in question.texts for tag, part in _TAGGED.findall(text) if tag == suffix]
        question = question.guarding(tagged)
    with_trace = headers.get("x-amzn-bedrock-trace") in ("ENABLED", "ENABLED_FULL")
    return (*ask_guarded(question, guardrail, asked.blocks), with_trace)


def _echoed(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("X-Amzn-Bedrock-PerformanceConfig-Latency", "X-Amzn-Bedrock-Service-Tier")
    return {name: headers[name.lower()] for name in names if name.lower() in headers}


def _encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document, ensure_ascii=False).encode()).decode()


def _count_tokens(asked: Asked) -> Answer:
    given = asked.json.get("input") or {}
    if "converse" in given:
        question = converse.question_of(given["converse"])
        tools = (given["converse"].get("toolConfig") or {}).get("tools", [])
        return Answer({"inputTokens": question.input_tokens + sum(token_count(json.dumps(tool)) for tool in tools)})
    if "invokeModel" not in given:
        raise Refusal("ValidationException", "The input must be a Converse or an InvokeModel request.")
    body = json.loads(base64.b64decode(given["invokeModel"]["body"]))
    return Answer({"inputTokens": family_of(asked.route.ids[0], body).read(body).input_tokens})


def _apply_guardrail(asked: Asked) -> Answer:
    id, version = asked.route.ids
    guardrail = asked.guardrails.get((id.rpartition("/")[2], version))
    if guardrail is None:
        raise Refusal("ResourceNotFoundException", "The guardrail identifier or version provided does not exist.")
    is_output = asked.json["source"] == "OUTPUT"
    texts = [block["text"]["text"] for block in asked.json["content"] if "text" in block]
    check = guardrail.check(texts)
    outputs: list[str] = []
    if check.action == "BLOCKED":
        outputs = [guardrail.message(of_output=is_output)]
    elif check.action == "ANONYMIZED" or asked.json.get("outputScope") == "FULL":
        outputs = list(check.texts)
    characters = sum(len(text) for text in texts)
    return Answer(
        {
            "action": "NONE" if check.action == "NONE" else "GUARDRAIL_INTERVENED",
            "actionReason": reason_of(check.action),
            "outputs": [{"text": text} for text in outputs],
            "assessments": [check.assessment],
            "usage": guardrail.usage(characters),
            "guardrailCoverage": {"textCharacters": {"guarded": characters, "total": characters}},
        }
    )


def _retrieve(asked: Asked) -> Answer:
    query = asked.json["retrievalQuery"].get("text", "")
    config = asked.json.get("guardrailConfiguration") or {}
    guardrail = asked.guardrail(config.get("guardrailId"), config.get("guardrailVersion"))
    if guardrail is not None and guardrail.check([query]).action == "BLOCKED":
        return Answer({"retrievalResults": [], "guardrailAction": "INTERVENED"})
    search = (asked.json.get("retrievalConfiguration") or {}).get("vectorSearchConfiguration") or {}
    words = set(re.findall(r"\w+", query.lower()))
    scored = sorted(
        ((_score(words, text), text, source) for text, source in _PASSAGES), key=lambda item: item[0], reverse=True
    )
    results = [
        {
            "content": {"type": "TEXT", "text": guardrail.mask(text) if guardrail else text},
            "location": {"type": "S3", "s3Location": {"uri": source}},
            "metadata": {"x-amz-bedrock-kb-source-uri": source},
            "score": score,
        }
        for score, text, source in scored[: search.get("numberOfResults", 5)]
    ]
    intervened = guardrail is not None and any(guardrail.check([text]).action != "NONE" for _, text, _ in scored)
    action = {"guardrailAction": "INTERVENED" if intervened else "NONE"} if guardrail else {}
    return Answer({"retrievalResults": results, **action})


def _score(words: set[str], text: str) -> float:
    found = set(re.findall(r"\w+", text.lower()))
    return round(len(words & found) / max(1, len(words | found)), 3)


_MODELS = (
    ("anthropic.claude-3-5-sonnet-20240620-v1:0", "Claude 3.5 Sonnet", "Anthropic"),
    ("amazon.nova-lite-v1:0", "Nova Lite", "Amazon"),
    ("amazon.titan-text-express-v1", "Titan Text G1 - Express", "Amazon"),
    ("meta.llama3-8b-instruct-v1:0", "Llama 3 8B Instruct", "Meta"),
    ("mistral.mistral-7b-instruct-v0:2", "Mistral 7B Instruct", "Mistral AI"),
)


def _model_arn(model_id: str) -> str:
    return f"arn:aws:bedrock:us-east-1::foundation-model/{model_id}"


def _model_details(model_id: str, name: str, provider: str) -> dict[str, Any]:
    return {
        "modelArn": _model_arn(model_id),
        "modelId": model_id,
        "modelName": name,
        "providerName": provider,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _foundation_model(asked: Asked) -> Answer:
    wanted = asked.route.ids[0].rpartition("/")[2]
    for model in _MODELS:
        if model[0] == wanted:
            return Answer({"modelDetails": _model_details(*model)})
    raise Refusal("ResourceNotFoundException", f"Could not resolve the foundation model {wanted!r}.")


def _profile(profile_id: str) -> dict[str, Any]:
    """Return an inference profile: one of a region group over its model, or an application's over the first model."""
    short = profile_id.rpartition("/")[2]
    prefix, _, rest = short.partition(".")
    is_system = prefix in ("us", "eu", "apac", "global", "us-gov", "jp", "au")
    kind = "inference-profile" if is_system else "application-inference-profile"
    return {
        "inferenceProfileName": short,
        "inferenceProfileId": short,
        "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:{_ACCOUNT}:{kind}/{short}",
        "models": [{"modelArn": _model_arn(rest if is_system else _MODELS[0][0])}],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED" if is_system else "APPLICATION",
    }


_ANSWERS: Mapping[str, Callable[[Asked], Answer]] = {
    "converse": _converse,
    "converse_stream": _converse_stream,
    "invoke_model": _invoke,
    "invoke_model_with_response_stream": _invoke_stream,
    "count_tokens": _count_tokens,
    "apply_guardrail": _apply_guardrail,
    "retrieve": _retrieve,
    "get_inference_profile": lambda asked: Answer(_profile(asked.route.ids[0])),
    "list_inference_profiles": lambda _: Answer({"inferenceProfileSummaries": [_profile(f"us.{_MODELS[0][0]}")]}),
    "get_foundation_model": _foundation_model,
    "list_foundation_models": lambda _: Answer({"modelSummaries": [_model_details(*model) for model in _MODELS]}),
}
