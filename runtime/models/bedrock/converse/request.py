"""The arguments of a call of Converse, from a model's settings, what the call adds, and the conversation.

What a call says wins over the settings, key by key within `additional_model_request_fields` and the inference settings,
whole otherwise. Names may be written in snake case or as Converse writes them. Nothing given is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ....exceptions import InvalidInputError
from ....messages import BaseMessage
from ..guardrails import GuardrailSettings
from ..identity import base_id
from .cache_points import limit_cache_points
from .capabilities import Capabilities, ToolChoiceKind
from .guarding import guard_last_turn
from .keys import camel_key, camel_keys, snake_key
from .messages import wire_messages, wire_system, without_tool_blocks
from .tools import auto_while_thinking, checked_tool_choice, is_thinking, wire_tool, wire_tool_choice

__all__ = ["Asked", "ServiceTier", "build_count_request", "build_request", "tool_config"]

ServiceTier = Literal["priority", "default", "flex", "reserved"]
"""Which of Bedrock's tiers serves a call."""

_INFERENCE: Final = ("max_tokens", "temperature", "top_p", "stop_sequences")
_PASSED: Final = ("performance_config", "output_config", "prompt_variables", "request_metadata")
_KNOWN: Final = frozenset(
    {
        *_INFERENCE,
        *_PASSED,
        "additional_model_request_fields",
        "additional_model_response_field_paths",
        "guard_last_turn_only",
        "guardrail_config",
        "inference_config",
        "raw_blocks",
        "service_tier",
        "strict",
        "system",
        "tool_choice",
        "tool_config",
        "tools",
    }
)
_ALIASES: Final = {"stop": "stop_sequences", "guardrails": "guardrail_config"}
_USERS_KEYS: Final = frozenset({"prompt_variables", "request_metadata"})
_Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one call asks for.

    Attributes:
        said: The parameters in snake case, those of the call laid over the model's.
        can: What the model can do.
        tool_choices: What it takes as a tool choice; the caller may know better than `can`.
    """

    said: Mapping[str, Any]
    can: Capabilities
    tool_choices: Sequence[ToolChoiceKind]

    @classmethod
    def read(
        cls,
        own: Mapping[str, Any],
        call: Mapping[str, Any],
        stop: Sequence[str] | None,
        can: Capabilities,
        tool_choices: Sequence[ToolChoiceKind] | None = None,
    ) -> Asked:
        """Return what a call asks for.

        Args:
            own: The model's settings in snake case; None counts as not set.
            call: What the call adds.
            stop: The stop strings of the call; they win over all others.
            can: What the model can do.
            tool_choices: What it takes as a tool choice, where the caller knows.

        Raises:
            InvalidInputError: If the call adds something unknown.
        """
        said = {name: value for name, value in own.items() if value is not None}
        added = {_name(key): value for key, value in call.items() if value is not None}
        for key, value in added.pop("inference_config", {}).items():
            added[_name(key)] = value
        fields = added.pop("additional_model_request_fields", None)
        said |= added
        if fields is not None:
            said["additional_model_request_fields"] = {**said.get("additional_model_request_fields", {}), **fields}
        if stop is not None:
            said["stop_sequences"] = stop
        return cls(said, can, can.tool_choices if tool_choices is None else tool_choices)


def build_request(messages: Iterable[BaseMessage], asked: Asked, *, streaming: bool = False) -> _Wire:
    """Return the arguments of `converse`, or of `converse_stream`.

    Args:
        messages: The conversation; `raw_blocks` stand in its place where they are given.
        asked: What the call asks for.
        streaming: Whether they are for `converse_stream`.

    Raises:
        InvalidInputError: If a message or parameter has no form in Converse, or the model does not take it.
    """
    said = asked.said
    wire, system = wire_messages(messages, keeps_unsigned=asked.can.keeps_unsigned_reasoning)
    request: _Wire = {"modelId": said["model_id"], "messages": wire}
    all_system = [*wire_system(said.get("system") or ()), *system]
    if all_system:
        request["system"] = all_system
    tools = tool_config(asked)
    if tools:
        request["toolConfig"] = tools
    request |= _parameters(said, streaming=streaming)
    if said.get("raw_blocks") is not None:
        return {**request, "messages": list(said["raw_blocks"])}
    if not tools:
        request["messages"] = without_tool_blocks(request["messages"])
    if said.get("guard_last_turn_only") and "guardrailConfig" in request:
        request["messages"] = guard_last_turn(request["messages"])
    return limit_cache_points(request)


def build_count_request(messages: Iterable[BaseMessage], asked: Asked) -> _Wire:
    """Return the arguments of `count_tokens` for what `converse` would be sent.

    Args:
        messages: The conversation.
        asked: What the call asks for.

    Raises:
        InvalidInputError: As `build_request`.
    """
    request = build_request(messages, asked)
    # CountTokens knows foundation models, not the profiles through which they are reached.
    counted = ("messages", "system", "toolConfig", "additionalModelRequestFields")
    converse = {key: request[key] for key in counted if key in request}
    return {"modelId": base_id(request["modelId"]), "input": {"converse": converse}}


def tool_config(asked: Asked) -> _Wire | None:
    """Return the tools and the choice between them, or None without tools.

    Args:
        asked: What the call asks for.

    Raises:
        InvalidInputError: If a tool or the choice has no form in Converse, or the model does not take the choice.
    """
    said = asked.said
    config: _Wire = dict(camel_keys(said.get("tool_config") or {}))
    given = said.get("tools")
    if given:
        config["tools"] = [wire_tool(tool, strict=said.get("strict")) for tool in given]
    if not config.get("tools"):
        return None
    choice = wire_tool_choice(said.get("tool_choice"), config["tools"])
    if choice is not None:
        if asked.can.thinks_with_auto_only and is_thinking(said.get("additional_model_request_fields")):
            choice = auto_while_thinking(choice)
        config["toolChoice"] = checked_tool_choice(choice, asked.tool_choices, said["model_id"])
    return config


def _parameters(said: Mapping[str, Any], *, streaming: bool) -> _Wire:
    made: _Wire = {}
    inference = {camel_key(name): said[name] for name in _INFERENCE if said.get(name) is not None}
    if "stopSequences" in inference:
        inference["stopSequences"] = _list(inference["stopSequences"])
    if inference.get("stopSequences") == []:
        del inference["stopSequences"]
    if inference:
        made["inferenceConfig"] = inference
    guardrail = GuardrailSettings.read(said.get("guardrail_config"))
    if guardrail is not None:
        made["guardrailConfig"] = guardrail.converse_config(streaming=streaming)
    if said.get("additional_model_request_fields"):
        made["additionalModelRequestFields"] = dict(said["additional_model_request_fields"])
    if said.get("additional_model_response_field_paths"):
        made["additionalModelResponseFieldPaths"] = list(said["additional_model_response_field_paths"])
    for name in _PASSED:
        if said.get(name):
            made[camel_key(name)] = dict(said[name]) if name in _USERS_KEYS else camel_keys(said[name])
    if said.get("service_tier"):
        made["serviceTier"] = _tier(said["service_tier"])
    return made


def _tier(given: Any) -> _Wire:
    tier = given.get("type") if isinstance(given, Mapping) else given
    if tier not in get_args(ServiceTier):
        raise InvalidInputError(f"service_tier={given!r} is unknown; use one of {', '.join(get_args(ServiceTier))}.")
    return {"type": tier}


def _list(stops: Any) -> list[str]:
    return [stops] if isinstance(stops, str) else list(stops)


def _name(key: str) -> str:
    name = snake_key(key)
    name = _ALIASES.get(name, name)
    if name not in _KNOWN:
        raise InvalidInputError(
            f"A call of Converse takes no parameter {key!r}. If it belongs to the model, put it into "
            f"additional_model_request_fields={{{key!r}: ...}}."
        )
    return name
