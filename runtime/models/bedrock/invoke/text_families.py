"""Families that take one prompt: Anthropic's text completions, Titan, Command, Jurassic, Mistral, Llama, DeepSeek R1.

Sources: Bedrock's guide to the parameters of each model. Unknown models are asked and read as Titan is, and read
generously: their text is where any of the families has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ....messages import BaseMessage, UsageMetadata
from ..counting import usage_of
from ..shapes import object_of
from . import templates
from .asking import Ask
from .documents import first, merged
from .families import TextFamily

__all__ = [
    "AnthropicText",
    "CohereCommand",
    "DeepseekText",
    "Jurassic",
    "Llama",
    "MistralText",
    "Titan",
    "Unknown",
]


class _Flat(TextFamily):
    """A body whose parameters all stand beside the prompt."""

    max_tokens_key: ClassVar[str] = "max_tokens"

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        body: dict[str, Any] = {"prompt": self.prompt_of(ask), **self.stop_entry(ask)}
        if ask.max_tokens is not None:
            body[self.max_tokens_key] = ask.max_tokens
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        return merged(body, ask.extra)


class AnthropicText(_Flat):
    """Claude 2 and Claude Instant, as text completions; the prompt is repaired where its marks are missing."""

    name = "anthropic text"
    stop_key = "stop_sequences"
    max_tokens_key = "max_tokens_to_sample"

    default_max_tokens: ClassVar[int] = 1024
    """Sent where the caller sets no limit: the model requires one."""

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        return {self.max_tokens_key: self.default_max_tokens, **super().build(ask)}

    def prompt_of(self, ask: Ask) -> str:
        """Return the prompt with its marks.

        Args:
            ask: The question.
        """
        return templates.repaired(ask.prompt) if ask.prompt is not None else super().prompt_of(ask)

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation between `Human` and `Assistant`.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.human_assistant(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the completion.

        Args:
            body: The answer or document.
        """
        return body.get("completion")


class CohereCommand(_Flat):
    """Cohere Command and Command Light; a stream must be asked for in the body too."""

    name = "cohere command"
    stop_key = "stop_sequences"
    reason_keys = ("finish_reason",)

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        body = super().build(ask)
        return {**body, "stream": True} if ask.is_stream else body

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation between `User` and `Chatbot`.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.command(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first generation's text.

        Args:
            body: The answer or document.
        """
        return body["text"] if "text" in body else first(body, "generations").get("text")


class Jurassic(_Flat):
    """AI21 Jurassic-2, which does not stream."""

    name = "ai21 jurassic"
    can_stream = False
    stop_key = "stopSequences"
    max_tokens_key = "maxTokens"
    reason_keys = ("finishReason",)

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation as plain text.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.command(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first completion's text.

        Args:
            body: The answer.
        """
        return object_of(first(body, "completions").get("data")).get("text")


class MistralText(_Flat):
    """Mistral 7B, Mixtral and the first Mistral Small and Large, as text completions."""

    name = "mistral text"
    stop_key = "stop"

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation as instructions.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.mistral(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first output's text.

        Args:
            body: The answer or document.
        """
        return first(body, "outputs").get("text")


class Llama(_Flat):
    """Meta Llama 2, 3 and 4, which refuse a stop parameter; images go beside the prompt."""

    name = "meta llama"
    stop_key = None
    max_tokens_key = "max_gen_len"

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        body = super().build(ask)
        images = _images(ask.messages or [])
        return merged({"images": images}, body) if images else body

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation with the header tokens of the model's generation.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        generation = 2 if "llama2" in model_id else 4 if "llama4" in model_id else 3
        return templates.llama(messages, generation, len(_images(messages)))

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the generation.

        Args:
            body: The answer or document.
        """
        return body.get("generation")

    def usage_in(self, body: Mapping[str, Any]) -> UsageMetadata | None:
        """Return the tokens so far; a document after the first does not repeat those of the prompt.

        Args:
            body: The answer or document.
        """
        return usage_of(body.get("prompt_token_count"), body.get("generation_token_count"))


def _images(messages: Sequence[BaseMessage]) -> list[str]:
    many = [message for message in messages if not isinstance(message.content, str)]
    blocks: list[Mapping[str, Any]] = [block for message in many for block in message.content_blocks]
    return [str(block["base64"]) for block in blocks if block.get("type") == "image" and "base64" in block]


class DeepseekText(_Flat):
    """DeepSeek R1."""

    name = "deepseek r1"
    stop_key = "stop"

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation with the model's marks.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.deepseek(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first choice's text.

        Args:
            body: The answer or document.
        """
        return first(body, "choices").get("text")


class Titan(TextFamily):
    """Amazon Titan Text, whose parameters stand in `textGenerationConfig`; extras go there too."""

    name = "amazon titan"
    stop_key = "stopSequences"
    reason_keys = ("completionReason",)

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        config: dict[str, Any] = self.stop_entry(ask)
        if ask.max_tokens is not None:
            config["maxTokenCount"] = ask.max_tokens
        if ask.temperature is not None:
            config["temperature"] = ask.temperature
        own: dict[str, Any] = {}
        above: dict[str, Any] = {}
        for key, value in ask.extra.items():
            (above if key in ("inputText", "textGenerationConfig") or key.startswith("amazon-") else own)[key] = value
        body = {"inputText": self.prompt_of(ask), "textGenerationConfig": merged(config, own)}
        return merged(body, above)

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation between `User` and `Bot`.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.titan(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first result's text; a stream's document has it at the top.

        Args:
            body: The answer or document.
        """
        return body["outputText"] if "outputText" in body else first(body, "results").get("outputText")

    def usage_in(self, body: Mapping[str, Any]) -> UsageMetadata | None:
        """Return the tokens that the body tells.

        Args:
            body: The answer or document.
        """
        written = first(body, "results").get("tokenCount", body.get("totalOutputTextTokenCount"))
        return usage_of(body.get("inputTextTokenCount"), written)


class Unknown(_Flat):
    """Models of makers that are not known here: asked with `inputText`, read wherever a text may be."""

    name = "other"
    stop_key = None
    reason_keys = ("stop_reason", "finish_reason", "stopReason", "completionReason", "finishReason")

    def build(self, ask: Ask) -> dict[str, Any]:
        """Return the body of a request.

        Args:
            ask: The question.
        """
        body = super().build(ask)
        return {"inputText": body.pop("prompt"), **body} if "prompt" not in ask.extra else body

    def prompt(self, messages: Sequence[BaseMessage], model_id: str) -> str:
        """Return a conversation as plain text.

        Args:
            messages: The conversation.
            model_id: The model.
        """
        return templates.command(messages)

    def text_in(self, body: Mapping[str, Any]) -> Any:
        """Return the first text found.

        Args:
            body: The answer or document.
        """
        choice = first(body, "results", "outputs", "generations", "completions", "choices")
        inner = [object_of(choice.get(key)) for key in ("message", "delta", "data")]
        for place in (body, choice, *inner):
            for key in ("outputText", "completion", "generation", "text", "content"):
                if isinstance(place.get(key), str):
                    return place[key]
        return None
