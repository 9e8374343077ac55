"""Server-sent events: bytes in, the data of each finished event out.

Follows the event stream format of the WHATWG HTML standard: lines end with CRLF, LF or CR, a line that starts with a
colon is a comment (`: ping` keeps connections alive), several `data` lines of one event are joined with a line feed,
and a blank line finishes the event. Only `data` matters to model servers, so `event`, `id` and `retry` are read over.

Splitting the same bytes anywhere, also inside a UTF-8 character or between CR and LF, gives the same events.
"""

import re

__all__ = ["SseDecoder"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseDecoder:
    """An incremental decoder of one event stream; it does no I/O.

    Work is linear in the bytes fed, however small the pieces are. Bytes that are not UTF-8 become U+FFFD, as the
    standard asks.
    """

    __slots__ = ("_after_cr", "_data", "_first_line", "_pending")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._data: list[str] = []
        self._after_cr = False
        self._first_line = True

    def feed(self, data: bytes) -> list[str]:
        """Return the data of every event that these bytes finish, in order.

        Args:
            data: The next bytes of the body, cut anywhere; empty is allowed and changes nothing.
        """
        if not data:
            return []
        ends_in_cr = data.endswith(b"\r")
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = ends_in_cr
        first, *others = _LINE_END.split(data)
        self._pending += first
        if not others:
            return []
        lines = [bytes(self._pending), *others[:-1]]
        self._pending = bytearray(others[-1])
        return [event for line in lines if (event := self._take(line)) is not None]

    def finish(self) -> list[str]:
        """Return the data of an event that lacked only its blank line when the body ended.

        Some servers end after the line `data: [DONE]`. A last line without its line end may have been cut anywhere and
        is dropped. The decoder is empty afterwards.
        """
        self._pending.clear()
        event = self._take(b"")
        return [] if event is None else [event]

    def _take(self, line: bytes) -> str | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            if not self._data:
                return None
            event = "\n".join(self._data)
            self._data.clear()
            return event
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
        return None
