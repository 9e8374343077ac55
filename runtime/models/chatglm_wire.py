"""What ChatGLM servers are sent and what they answer, without any I/O.

Two protocols are spoken. The classic one (ChatGLM-6B `api.py`) is a POST to `/` of one JSON object, answered by
`{"response", "history", "status", "time"}`. The newer one (ChatGLM2 and ChatGLM3) is OpenAI-style, at
`/v1/chat/completions`, and can stream server-sent events. Community servers stream the classic one's objects as such
events, in shapes that no document fixes; those that are widely copied are read.

The classic server replaces falsy values by its own defaults (2048, 0.7 and 0.95 for `max_length`, `top_p` and
`temperature`), so a temperature of 0 is sent as asked and yet acts as 0.95.

Errors, each a `ModelError`:

    ChatGlmError
      ChatGlmUnreachableError   no answer came (raised by the client, which does the I/O)
      ChatGlmStatusError        the HTTP status is not 200
      ChatGlmDecodeError        the body is not JSON
      ChatGlmShapeError         the body is JSON but not an object
      ChatGlmEmptyError         the object carries no answer text
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exceptions import ModelError

__all__ = [
    "Answer",
    "ChatAnswer",
    "ChatDelta",
    "ChatGlmDecodeError",
    "ChatGlmEmptyError",
    "ChatGlmError",
    "ChatGlmShapeError",
    "ChatGlmStatusError",
    "ChatGlmUnreachableError",
    "build_chat_request",
    "build_request",
    "parse_answer",
    "parse_chat_answer",
    "parse_chat_event",
]

_SHOWN_CHARACTERS = 2000
"""A message quotes at most this much of a body."""


class ChatGlmError(ModelError):
    """A ChatGLM server could not be asked, or its answer could not be used."""


class ChatGlmUnreachableError(ChatGlmError):
    """No answer came: connection refused, reset, timed out or cut."""


class ChatGlmStatusError(ChatGlmError):
    """The HTTP status was not 200. `status` is the number."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ChatGlmDecodeError(ChatGlmError):
    """The body was not JSON; the message quotes it."""


class ChatGlmShapeError(ChatGlmError):
    """The body was JSON, but not an object."""


class ChatGlmEmptyError(ChatGlmError):
    """The answer carried no text where the protocol puts it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a classic server said.

    `history` is None when the server sent none; otherwise it is the server's list of [prompt, answer].
    """

    response: str
    history: list[Any] | None


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What an OpenAI-style server said in one piece; `usage` is its token counts, if it sent them."""

    text: str
    finish_reason: str | None
    usage: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """One streamed event; `text` is empty on the first (role only) and the last (finish reason only)."""

    text: str
    finish_reason: str | None
    usage: dict[str, Any] | None
    is_last: bool
    """True for what closes the stream: `[DONE]`, or `finished`."""
    so_far: str | None = None
    """The whole answer up to here, from servers that repeat it; `text` is empty then."""
    history: list[Any] | None = None
    """The server's history, if the event carried one."""
    may_be_last: bool = False
    """True when the server has no closing event: the end of the body is the end of the answer."""


def build_request(
    prompt: str,
    *,
    temperature: float = 0.1,
    history: Sequence[Any] = (),
    max_token: int = 20000,
    top_p: float = 0.7,
    model_kwargs: Mapping[str, Any] | None = None,
    call_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON object of a classic request. Nothing that is passed in is changed.

    Args:
        prompt: The text to answer.
        temperature: Sent as it is, 0 too.
        history: Earlier turns, each [prompt, answer].
        max_token: Sent as `max_length`; the server counts prompt and answer together.
        top_p: Sent as it is.
        model_kwargs: Laid over the object, may replace any key.
        call_kwargs: Laid over all of it, last.
    """
    return {
        "prompt": prompt,
        "temperature": temperature,
        "history": copy.deepcopy(list(history)),
        "max_length": max_token,
        "top_p": top_p,
        **(model_kwargs or {}),
        **(call_kwargs or {}),
    }


def build_chat_request(
    prompt: str | Sequence[Mapping[str, Any]],
    *,
    model: str = "chatglm3-6b",
    temperature: float = 0.1,
    history: Sequence[Any] = (),
    max_token: int = 20000,
    top_p: float = 0.7,
    stream: bool = False,
    model_kwargs: Mapping[str, Any] | None = None,
    call_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON object of an OpenAI-style request. Nothing that is passed in is changed.

    Args:
        prompt: The text to answer, sent as a user message, or whole messages, each with `role` and `content`.
        model: The model's name on the server.
        temperature: Sent as it is.
        history: Earlier turns, each [prompt, answer]; they stand before the prompt as user and assistant messages.
        max_token: Sent as `max_tokens`.
        top_p: Sent as it is.
        stream: Whether to ask for server-sent events.
        model_kwargs: Laid over the object, may replace any key.
        call_kwargs: Laid over all of it, last.

    Raises:
        ValueError: If a turn of `history` is not a pair.
    """
    messages: list[dict[str, Any]] = []
    for turn in history:
        try:
            asked, answered = turn
        except (TypeError, ValueError) as err:
            raise ValueError(f"history holds {turn!r}; each turn must be a pair of prompt and answer.") from err
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    if isinstance(prompt, str):
        messages.append({"role": "user", "content": prompt})
    else:
        messages += [copy.deepcopy(dict(message)) for message in prompt]
    return {
        "model": model,
        "messages": messages,
        "temperature": temperature,
        "max_tokens": max_token,
        "top_p": top_p,
        "stream": stream,
        **(model_kwargs or {}),
        **(call_kwargs or {}),
    }


def parse_answer(status: int, text: str) -> Answer:
    """Return what a classic server said.

    Args:
        status: The HTTP status.
        text: The body.

    Raises:
        ChatGlmStatusError: If the status is not 200.
        ChatGlmDecodeError: If the body is not JSON.
        ChatGlmShapeError: If it is not an object.
        ChatGlmEmptyError: If it has no text under "response".
    """
    body = _object(status, text)
    response = body.get("response")
    if not isinstance(response, str):
        raise ChatGlmEmptyError(f'ChatGLM sent no text under "response"; the answer was {_shown(text)}')
    history = body.get("history")
    return Answer(response, history if isinstance(history, list) else None)


def parse_chat_answer(status: int, text: str) -> ChatAnswer:
    """Return what an OpenAI-style server said in one piece. A null content counts as an empty text.

    Args:
        status: The HTTP status.
        text: The body.

    Raises:
        ChatGlmStatusError: If the status is not 200.
        ChatGlmDecodeError: If the body is not JSON.
        ChatGlmShapeError: If it is not an object.
        ChatGlmEmptyError: If it has no first choice with a message.
    """
    body = _object(status, text)
    choice = _first_choice(body)
    message = choice.get("message") if choice else None
    content = message.get("content") if isinstance(message, dict) else None
    if choice is None or not isinstance(message, dict) or not isinstance(content, str | None):
        raise ChatGlmEmptyError(f"ChatGLM sent no message in its first choice; the answer was {_shown(text)}")
    return ChatAnswer(content or "", _text_or_none(choice.get("finish_reason")), _dict_or_none(body.get("usage")))


def parse_chat_event(data: str) -> ChatDelta:
    """Return what one server-sent event of an OpenAI-style stream says.

    An event without choices, as servers send for usage alone, has an empty text. Objects of community servers around
    the classic protocol are read too: `response` with the answer so far, or `delta` with a piece, and `finished`.

    Args:
        data: The event's data, as `SseDecoder` gives it.

    Raises:
        ChatGlmDecodeError: If the data is neither `[DONE]` nor JSON.
        ChatGlmShapeError: If it is not an object.
        ChatGlmError: If it is an error that the server met while streaming.
    """
    if data.strip() == "[DONE]":
        return ChatDelta("", None, None, is_last=True)
    body = _object(200, data)
    if body.get("error") or body.get("object") == "error":
        raise ChatGlmError(f"ChatGLM reported an error while streaming: {_shown(data)}")
    if "choices" not in body and {"response", "finished"} & body.keys():
        return _classic_event(body)
    choice = _first_choice(body) or {}
    delta = _dict_or_none(choice.get("delta")) or {}
    text = delta.get("content")
    return ChatDelta(
        text if isinstance(text, str) else "",
        _text_or_none(choice.get("finish_reason")),
        _dict_or_none(body.get("usage")),
        is_last=False,
    )


def _classic_event(body: Mapping[str, Any]) -> ChatDelta:
    history = body.get("history")
    so_far = _text_or_none(body.get("response"))
    return ChatDelta(
        "" if so_far is not None else _text_or_none(body.get("delta")) or "",
        None,
        None,
        is_last=bool(body.get("finished")),
        so_far=so_far,
        history=history if isinstance(history, list) else None,
        may_be_last="finished" not in body,
    )


def _object(status: int, text: str) -> dict[str, Any]:
    if status != 200:
        raise ChatGlmStatusError(f"ChatGLM answered with HTTP status {status}, not 200: {_shown(text)}", status)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise ChatGlmDecodeError(f"ChatGLM answered with something that is not JSON ({err}): {_shown(text)}") from err
    if not isinstance(body, dict):
        raise ChatGlmShapeError(f"ChatGLM answered with a JSON {type(body).__name__}, not an object: {_shown(text)}")
    return body


def _first_choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = body.get("choices")
    return _dict_or_none(choices[0]) if isinstance(choices, list) and choices else None


def _dict_or_none(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _shown(text: str) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return repr(text)
    return f"{text[:_SHOWN_CHARACTERS]!r} and {len(text) - _SHOWN_CHARACTERS} characters more"
