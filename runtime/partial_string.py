"""A JSON string that is still arriving.

An escape that is not complete, or the first half of a surrogate pair, is held back until the rest has come. Pieces are
joined only when somebody asks, so a string of n characters costs n however it is cut.
"""

import re

__all__ = ["PartialString"]

_RUN = re.compile(r'[^"\\]*')
_HEX = frozenset("0123456789abcdefABCDEF")
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_EDGE = " \n\r\t`"


class PartialString:
    """The content of a string literal whose opening quote has been read.

    Attributes:
        is_closed: Whether the closing quote has been read.
        is_broken: Whether an escape was read that JSON does not know; nothing may be fed after it.
    """

    __slots__ = ("_escape", "_hard", "_high", "_parts", "is_broken", "is_closed")

    def __init__(self) -> None:
        self.is_closed = self.is_broken = False
        self._parts: list[str] = []
        self._hard = 0  # the parts before this index came from escapes or stand before one
        self._escape = ""
        self._high = ""

    def feed(self, text: str, at: int) -> int:
        """Read `text` from index `at` up to the closing quote, and return the index of the first character not read."""
        while at < len(text) and not self.is_closed and not self.is_broken:
            if self._escape:
                self._feed_escape(text[at])
                at += 1
                continue
            match = _RUN.match(text, at)
            end = match.end() if match else at
            if end > at:
                self._flush_high()
                self._parts.append(text[at:end])
            if end < len(text):
                self.is_closed = text[end] == '"'
                self._escape = "" if self.is_closed else "\\"
            at = end + 1
        return min(at, len(text))

    def content(self) -> str:
        """Return all that has come, without what is held back."""
        if self.is_closed:
            self._flush_high()
        return "".join(self._parts)

    def settled(self) -> str:
        """Return the content without the blanks and backticks at its end, unless an escape wrote or follows them.

        A model's answer may end there, in which case they are not part of the string.
        """
        head, tail = "".join(self._parts[: self._hard]), "".join(self._parts[self._hard :])
        self._parts, self._hard = [head, tail], 1
        if not self._escape and not self._high:
            tail = tail.rstrip().rstrip(_EDGE)
        return head + tail

    def _feed_escape(self, char: str) -> None:
        escape = self._escape + char
        if len(escape) == 2 and char in _SIMPLE:
            self._flush_high()
            self._end_escape(_SIMPLE[char])
        elif (len(escape) == 2 and char != "u") or (len(escape) > 2 and char not in _HEX):
            self.is_broken = True
        elif len(escape) < 6:
            self._escape = escape
        else:
            self._end_unicode(int(escape[2:], 16))

    def _end_unicode(self, code: int) -> None:
        if self._high and 0xDC00 <= code <= 0xDFFF:
            code = 0x10000 + ((ord(self._high) - 0xD800) << 10) + (code - 0xDC00)
            self._high = ""
        self._flush_high()
        if 0xD800 <= code <= 0xDBFF:
            self._high = chr(code)
            self._end_escape("")
        else:
            self._end_escape(chr(code))

    def _end_escape(self, content: str) -> None:
        self._parts.append(content)
        self._hard = len(self._parts)
        self._escape = ""

    def _flush_high(self) -> None:
        if self._high:  # half a pair whose other half never came is kept as the json module keeps it
            self._parts.append(self._high)
            self._hard = len(self._parts)
            self._high = ""
