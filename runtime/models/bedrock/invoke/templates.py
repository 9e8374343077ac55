"""Conversations written as one prompt, for models that take no messages: each as its maker's reference writes it.

Sources: the model cards of Llama 2, 3 and 4, Mistral's and DeepSeek's chat templates, Amazon's and Cohere's prompt
guides, Anthropic's text completions. What a tool answered stands as if the user said it; blocks that are no text are
left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from warnings import warn

from ....messages import AIMessage, BaseMessage, ChatMessage, SystemMessage

__all__ = ["Turn", "command", "deepseek", "human_assistant", "llama", "mistral", "repaired", "titan", "turns"]

Turn = tuple[str, str]
"""Who speaks (`system`, `user`, `assistant` or a role of the caller's), and what."""

_SPEAKERS = re.compile(r"\n\n(Human|Assistant):")
_CLOSING = re.compile(r"\s*Assistant:\s*$")


def turns(messages: Sequence[BaseMessage], *, is_joined: bool = False) -> list[Turn]:
    """Return who says what.

    Args:
        messages: The conversation.
        is_joined: Whether turns of one speaker that follow each other become one.
    """
    said: list[Turn] = []
    for message in messages:
        role, text = _role(message), str(message.text)
        if is_joined and said and said[-1][0] == role:
            said[-1] = (role, f"{said[-1][1]}\n\n{text}")
        else:
            said.append((role, text))
    return said


def _role(message: BaseMessage) -> str:
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, AIMessage):
        return "assistant"
    return message.role if isinstance(message, ChatMessage) else "user"


def llama(messages: Sequence[BaseMessage], generation: int, images: int = 0) -> str:
    """Return the prompt for a Llama model.

    Args:
        messages: The conversation.
        generation: 2, 3 or 4.
        images: How many images the request holds; each is named at the head of the last turn of the user.
    """
    if generation == 2:
        return _instructions(messages, system="<<SYS>>\n{}\n<</SYS>>\n\n", answer=" {} </s><s>")
    head, tail, end = (
        ("<|header_start|>", "<|header_end|>", "<|eot|>")
        if generation >= 4
        else ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    )
    said = turns(messages)
    asked = max((place for place, (role, _) in enumerate(said) if role == "user"), default=-1)
    parts = [
        f"{head}{role}{tail}\n\n{'<|image|>' * images if place == asked else ''}{text}{end}"
        for place, (role, text) in enumerate(said)
    ]
    return f"<|begin_of_text|>{''.join(parts)}{head}assistant{tail}\n\n"


def mistral(messages: Sequence[BaseMessage]) -> str:
    """Return the prompt for a Mistral model that completes text; a system message opens the next instruction.

    Args:
        messages: The conversation.
    """
    return _instructions(messages, system="{}\n\n", answer=" {}</s>")


def _instructions(messages: Sequence[BaseMessage], *, system: str, answer: str) -> str:
    prompt, opening = "<s>", ""
    for role, text in turns(messages, is_joined=True):
        if role == "system":
            opening += system.format(text)
        elif role == "assistant":
            prompt += answer.format(text)
        else:
            prompt += f"[INST] {opening}{text} [/INST]"
            opening = ""
    return f"{prompt}[INST] {opening.strip()} [/INST]" if opening else prompt


def deepseek(messages: Sequence[BaseMessage]) -> str:
    """Return the prompt for DeepSeek R1.

    Args:
        messages: The conversation.
    """
    marks = {"system": "{}", "assistant": "<｜Assistant｜>{}<｜end▁of▁sentence｜>"}  # noqa: RUF001 - the model's own bars
    parts = [marks.get(role, "<｜User｜>{}").format(text) for role, text in turns(messages, is_joined=True)]  # noqa: RUF001
    return f"<｜begin▁of▁sentence｜>{''.join(parts)}<｜Assistant｜>"  # noqa: RUF001


def titan(messages: Sequence[BaseMessage]) -> str:
    """Return the prompt for Amazon Titan.

    Args:
        messages: The conversation.
    """
    return _speaking(messages, user="User", model="Bot") + "\n\nBot:"


def command(messages: Sequence[BaseMessage]) -> str:
    """Return the prompt for Cohere Command and for other models that complete plain text.

    Args:
        messages: The conversation; a single message of the user stands as it is.
    """
    said = turns(messages)
    if len(said) == 1 and said[0][0] == "user":
        return said[0][1]
    return _speaking(messages, user="User", model="Chatbot").lstrip("\n") + "\n\nChatbot:"


def human_assistant(messages: Sequence[BaseMessage]) -> str:
    """Return the prompt for Anthropic's text completions.

    Args:
        messages: The conversation; a last message of the model is what its answer begins with.
    """
    prompt = _speaking(messages, user="Human", model="Assistant")
    if not prompt.startswith("\n\nHuman:") and not _SPEAKERS.search(prompt):
        prompt = f"\n\nHuman:{prompt}"
    is_begun = bool(messages) and isinstance(messages[-1], AIMessage)
    return prompt.rstrip() if is_begun else f"{prompt}\n\nAssistant:"


def _speaking(messages: Sequence[BaseMessage], *, user: str, model: str) -> str:
    names = {"user": f"{user}: ", "assistant": f"{model}: ", "system": ""}
    return "".join(f"\n\n{names.get(role, f'{role}: ')}{text}" for role, text in turns(messages))


def repaired(prompt: str) -> str:
    r"""Return a prompt with the marks that Anthropic's text completions require: `\n\nHuman:` ... `\n\nAssistant:`.

    A warning says so where the two do not take turns. What stands before the first `\n\nHuman:` is kept.

    Args:
        prompt: The prompt.
    """
    text = prompt
    if not _SPEAKERS.search(text):
        stripped = text.lstrip()
        text = f"\n\n{stripped}" if stripped.startswith("Human:") else f"\n\nHuman: {text}"
    if _CLOSING.search(text):
        text = _CLOSING.sub("\n\nAssistant:", text)
    elif [found[1] for found in _SPEAKERS.finditer(text)][-1] == "Human":
        text = f"{text.rstrip()}\n\nAssistant:"
    speakers = [found[1] for found in _SPEAKERS.finditer(text)]
    if any(who != ("Human", "Assistant")[place % 2] for place, who in enumerate(speakers)):
        warn(
            "The prompt's speakers do not take turns, 'Human:' first; Anthropic's models may refuse it.",
            UserWarning,
            stacklevel=2,
        )
    return text
