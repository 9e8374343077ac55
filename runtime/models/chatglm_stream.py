"""One streamed answer of a ChatGLM server: bytes in, chunks out, without any I/O.

OpenAI-style servers send pieces and a closing `[DONE]`. Community servers around the classic protocol send objects with
`response`, the answer so far, and `finished`; what is new in it becomes a chunk. A server that streams though it was
not asked to is read to its end, and one that does not stream gives one chunk.
"""

from collections.abc import Iterator
from typing import Any

from ..outputs import GenerationChunk
from .chatglm_wire import (
    ChatAnswer,
    ChatDelta,
    ChatGlmUnreachableError,
    parse_answer,
    parse_chat_answer,
    parse_chat_event,
)
from .sse import SseDecoder
from .stopping import StopCutter

__all__ = ["AnswerReader"]


class AnswerReader:
    """Reads one answer and cuts it at the stop strings.

    Args:
        stop: The stop strings.
        is_chat: Whether the server is OpenAI-style.
        whole: Whether to read on behind a stop string, so that `text` is the whole answer.
    """

    def __init__(self, stop: list[str] | None, *, is_chat: bool, whole: bool) -> None:
        self.history: list[Any] | None = None
        """The server's history, where it sent one."""
        self._events = SseDecoder()
        self._cutter = StopCutter(stop)
        self._is_chat = is_chat
        self._whole = whole
        self._is_ended = False
        self._may_end = False
        self._is_empty = True
        self._repeated = ""
        self._pieces: list[str] = []
        self._info: dict[str, Any] = {}

    @property
    def is_done(self) -> bool:
        """Whether the rest of the answer need not be read."""
        return self._is_ended or (self._cutter.is_stopped and not self._whole)

    @property
    def text(self) -> str:
        """What the server sent so far, uncut."""
        return "".join(self._pieces)

    @property
    def answer(self) -> ChatAnswer:
        """What the server said, uncut."""
        return ChatAnswer(self.text, self._info.get("finish_reason"), self._info.get("usage"))

    def is_streamed(self, status: int, content_type: str) -> bool:
        """Return whether the answer comes in events; one that does not is for `whole_answer`.

        Args:
            status: The HTTP status.
            content_type: The header of that name, or an empty text. Some OpenAI-style servers give a wrong one.
        """
        kind = content_type.partition(";")[0].strip().lower()
        return status == 200 and (kind == "text/event-stream" or (self._is_chat and kind != "application/json"))

    def whole_answer(self, status: int, body: bytes) -> Iterator[GenerationChunk]:
        """Yield the chunk of an answer that came in one piece.

        Args:
            status: The HTTP status.
            body: The body.
        """
        text = body.decode("utf-8", "replace")
        if self._is_chat:
            said = parse_chat_answer(status, text)
            delta = ChatDelta(said.text, said.finish_reason, said.usage, is_last=True)
        else:
            classic = parse_answer(status, text)
            delta = ChatDelta(classic.response, None, None, is_last=True, history=classic.history)
        yield from self._given(delta)

    def chunks(self, data: bytes) -> Iterator[GenerationChunk]:
        """Yield the chunks that these bytes finish.

        Args:
            data: The next bytes of the body, cut anywhere.
        """
        yield from self._read(self._events.feed(data))

    def rest(self) -> Iterator[GenerationChunk]:
        """Yield what was held back, and why the model stopped.

        Raises:
            ChatGlmUnreachableError: If the answer was cut off before its end.
        """
        if not self.is_done:
            yield from self._read(self._events.finish())
        if not (self.is_done or self._may_end or "finish_reason" in self._info):
            raise ChatGlmUnreachableError(
                "The ChatGLM server closed the stream before its end; the answer is incomplete."
            )
        if self._cutter.is_stopped:
            self._info["finish_reason"] = "stop"
        text = self._cutter.finish()
        if text or self._info or self._is_empty:
            yield GenerationChunk(text=text, generation_info=self._info or None)

    def _read(self, events: list[str]) -> Iterator[GenerationChunk]:
        for event in events:
            yield from self._given(parse_chat_event(event))
            if self.is_done:
                return

    def _given(self, delta: ChatDelta) -> Iterator[GenerationChunk]:
        self._is_ended = self._is_ended or delta.is_last
        self._may_end = delta.may_be_last
        if delta.history is not None:
            self.history = delta.history
        if delta.finish_reason:
            self._info["finish_reason"] = delta.finish_reason
        if delta.usage:
            self._info["usage"] = delta.usage
        piece = delta.text if delta.so_far is None else self._new_in(delta.so_far)
        if piece:
            self._pieces.append(piece)
            text = self._cutter.feed(piece)
            if text:
                self._is_empty = False
                yield GenerationChunk(text=text)

    def _new_in(self, so_far: str) -> str:
        """Return what the answer so far adds; one that does not go on from what came is a piece itself."""
        new = so_far.removeprefix(self._repeated) if so_far.startswith(self._repeated) else so_far
        self._repeated += new
        return new
