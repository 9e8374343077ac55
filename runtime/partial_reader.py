"""JSON that is still arriving: the value so far, at any moment, in linear time.

`PartialJson` is fed text and never reads a character twice. A string that is still open shows what has come, a number
its longest valid beginning, a key without a value is left out. An escape that is not complete, or half a surrogate
pair, is held back until it is. Text that can never become JSON freezes the value at what was good.

Snapshots are cheap because finished parts are shared between them: only the containers that are still open are copied,
each with one `copy()`, along the path from the root to the place of reading. So a snapshot costs the number of entries
in the open containers, a memory copy; it is never changed by later feeding. A reader who changes a snapshot changes
the shared parts for everybody: treat it as read-only.
"""

import re
from collections.abc import Callable
from typing import Any, Final, final

from .partial_string import PartialString

__all__ = ["MISSING", "Missing", "PartialJson"]


@final
class Missing:
    """The type of `MISSING`, which says that no value can be read yet; None is a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()
"""No value can be read yet."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER_RUN = re.compile(r"[0-9+\-.eE]*")
_LETTERS = re.compile(r"[A-Za-z]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: dict[str, tuple[str, Any]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
    "N": ("NaN", float("nan")),
    "I": ("Infinity", float("inf")),
    "-": ("-Infinity", float("-inf")),
}
_OPENERS = frozenset('{["-0123456789tfnNI')
_EDGE = " \n\r\t`"
_FENCE = "```"
_TAG = "json"

_Mode = Callable[["PartialJson", str, int], int]


class PartialJson:
    """The value of a JSON text of which a beginning has arrived.

    Args:
        markdown: Read what a model writes rather than bare JSON: leading prose is skipped up to the first code fence
            whose content starts like JSON, an optional `json` tag is skipped, and blanks and backticks at the end of
            an open string are held back until more text shows that they belong to it.
    """

    __slots__ = (
        "_changed", "_is_key", "_keys", "_last", "_markdown", "_mode", "_open", "_raw", "_repeated", "_root", "_shown",
        "_stack", "_stale", "_string", "_ticks",
    )  # fmt: skip

    def __init__(self, *, markdown: bool = False) -> None:
        self._markdown = markdown
        self._mode: _Mode = PartialJson._before
        self._stack: list[Any] = []
        self._keys: list[str | None] = []
        self._root: Any = MISSING
        self._last: Any = MISSING
        self._stale = self._changed = self._repeated = False
        self._open = ""  # "string" or "number" while one is open in the place of a value
        self._shown: Any = MISSING  # what the last snapshot showed of it
        self._raw = ""  # a number, word, tag or run of backticks that is not complete
        self._ticks = 0
        self._string = PartialString()
        self._is_key = False

    @property
    def is_complete(self) -> bool:
        """Whether a whole JSON value has arrived; a number at the top is never known to be whole."""
        return (
            self._mode in (PartialJson._done, PartialJson._after_scalar, PartialJson._prose)
            and self._root is not MISSING
        )

    @property
    def is_broken(self) -> bool:
        """Whether the text can never become JSON; the value stays what it was before the fault."""
        return self._mode is PartialJson._broken

    @property
    def changed(self) -> bool:
        """Whether `value()` would now return something unequal to what it returned last."""
        if self._repeated:  # a key that came twice may bring back the value it had
            before = self._last
            changed = self._build(self._leaf()) != before
            return bool(changed)
        if self._changed:
            return True
        leaf = self._leaf()
        return leaf is not MISSING and (self._shown is MISSING or bool(leaf != self._shown))

    def feed(self, text: str) -> None:
        """Read the next piece of text, in time linear in its length."""
        position, end = 0, len(text)
        while position < end:
            position = self._mode(self, text, position)

    def value(self) -> Any | Missing:
        """Return a snapshot of the value so far, or `MISSING`.

        Later feeding does not change it. Two snapshots without a change between them may be one object.
        """
        leaf = self._leaf()
        if self._stale or leaf is not self._shown:
            if self._stale or type(leaf) is not type(self._shown) or leaf != self._shown:
                self._last = self._build(leaf)
            self._shown = leaf
        self._stale = self._changed = self._repeated = False
        return self._last

    # What is visible ---------------------------------------------------------------------------------------------

    def _leaf(self) -> Any:
        if self._open == "string":
            return self._string.settled() if self._markdown else self._string.content()
        return _number(self._raw) if self._open == "number" else MISSING

    def _build(self, leaf: Any) -> Any:
        for container, key in zip(reversed(self._stack), reversed(self._keys), strict=True):
            copy = container.copy()
            if leaf is not MISSING:
                if key is None:
                    copy.append(leaf)
                else:
                    copy[key] = leaf
            leaf = copy
        return self._root if leaf is MISSING else leaf

    # Placing values ----------------------------------------------------------------------------------------------

    def _mark(self) -> None:
        self._stale = self._changed = True

    def _place(self, value: Any) -> None:
        """Put a finished value where it belongs and await what follows it."""
        self._open = ""
        if self._stack:
            key = self._keys[-1]
            if key is None:
                self._stack[-1].append(value)
            else:
                self._stack[-1][key] = value
                self._keys[-1] = None
            self._mode = PartialJson._after
        else:
            self._root = value
            is_scalar = not isinstance(value, (dict, list))
            self._mode = PartialJson._after_scalar if self._markdown and is_scalar else PartialJson._done

    def _place_scalar(self, value: Any) -> None:
        shown, self._shown = self._shown, MISSING
        if shown is MISSING or shown != value:
            self._changed = True
        self._stale = True
        self._place(value)

    def _fail(self, length: int) -> int:
        """Freeze the value; a string that is open is dropped."""
        if self._open == "string" and self._shown is not MISSING:
            self._mark()
        self._open, self._shown = "", MISSING
        self._mode = PartialJson._broken if self._stack or not self._markdown else PartialJson._prose
        return length

    # Around the value --------------------------------------------------------------------------------------------

    def _before(self, text: str, at: int) -> int:
        """Skip to where the value starts."""
        char = text[at]
        if char in " \t\n\r" or (self._markdown and char.isspace()):
            self._ticks = 0
        elif self._markdown and char == "`":
            self._ticks += 1
            if self._ticks == len(_FENCE):
                self._ticks, self._raw, self._mode = 0, "", PartialJson._tag
        elif char in _OPENERS:
            return self._value(text, at)
        else:
            return self._fail(at)
        return at + 1

    def _prose(self, text: str, at: int) -> int:
        """Skip to the next fence; a run of backticks may come in pieces."""
        if not self._ticks:
            found = text.find("`", at)
            if found < 0:
                return len(text)
            at = found
        self._ticks = self._ticks + 1 if text[at] == "`" else 0
        if self._ticks == len(_FENCE):
            self._ticks, self._raw, self._mode = 0, "", PartialJson._tag
        return at + 1

    def _tag(self, text: str, at: int) -> int:
        """Skip the `json` after a fence."""
        if _TAG.startswith(self._raw + text[at]):
            self._raw += text[at]
            if self._raw != _TAG:
                return at + 1
            at += 1
            self._raw = ""
        elif self._raw:
            self._raw, self._mode = "", PartialJson._prose
            return at
        self._mode = PartialJson._fenced
        return at

    def _fenced(self, text: str, at: int) -> int:
        char = text[at]
        if char in _EDGE or char.isspace():
            return at + 1
        if char in _OPENERS:
            return self._value(text, at)
        self._mode = PartialJson._prose
        return at

    def _after_scalar(self, text: str, at: int) -> int:
        """A scalar at the top followed by more text was prose that began like JSON ("3 items: ...")."""
        if text[at] not in _EDGE:
            self._mode = PartialJson._prose
            return at
        return at + 1

    def _done(self, text: str, at: int) -> int:
        return len(text)

    def _broken(self, text: str, at: int) -> int:
        return len(text)

    # Inside the value --------------------------------------------------------------------------------------------

    def _value(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at == len(text):
            return at
        char = text[at]
        key = self._keys[-1] if self._keys else None
        if key is not None and char in _OPENERS and key in self._stack[-1]:
            self._repeated = True
        if char in "{[":
            self._stack.append({} if char == "{" else [])
            self._keys.append(None)
            self._mode = PartialJson._first_key if char == "{" else PartialJson._first_item
            self._mark()
        elif char == '"':
            self._start_string(is_key=False)
        elif char in "-0123456789":
            self._open, self._raw, self._mode = "number", char, PartialJson._in_number
        elif char in _WORDS:
            self._raw, self._mode = "", PartialJson._in_word
            return at
        else:
            return self._fail(len(text))
        return at + 1

    def _first_item(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at < len(text):
            if text[at] == "]":
                return self._close(at)
            return self._value(text, at)
        return at

    def _first_key(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at < len(text) and text[at] == "}":
            return self._close(at)
        return self._key(text, at)

    def _key(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at == len(text):
            return at
        if text[at] != '"':
            return self._fail(len(text))
        self._start_string(is_key=True)
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at == len(text):
            return at
        if text[at] != ":":
            return self._fail(len(text))
        self._mode = PartialJson._value
        return at + 1

    def _after(self, text: str, at: int) -> int:
        at = _skip(text, at)
        if at == len(text):
            return at
        is_list = isinstance(self._stack[-1], list)
        if text[at] == ",":
            self._mode = PartialJson._value if is_list else PartialJson._key
            return at + 1
        if text[at] == ("]" if is_list else "}"):
            return self._close(at)
        return self._fail(len(text))

    def _close(self, at: int) -> int:
        finished = self._stack.pop()
        self._keys.pop()
        self._stale = True  # equal to the last snapshot, but the finished object itself is shared from now on
        self._place(finished)
        return at + 1

    def _in_number(self, text: str, at: int) -> int:
        match = _NUMBER_RUN.match(text, at)
        end = match.end() if match else at
        self._raw += text[at:end]
        if end == len(text):
            return end
        if self._raw == "-" and text[end] == "I":
            self._open, self._mode = "", PartialJson._in_word
            return end
        value = _number(self._raw)
        if value is MISSING:
            return self._fail(len(text))
        whole = _NUMBER.fullmatch(self._raw) is not None
        self._place_scalar(value)
        return end if whole else self._fail(len(text))

    def _in_word(self, text: str, at: int) -> int:
        match = _LETTERS.match(text, at)
        end = match.end() if match else at
        word, value = _WORDS[(self._raw + text[at:end])[0]]
        end = min(end, at + len(word) - len(self._raw))
        self._raw += text[at:end]
        if not word.startswith(self._raw) or (len(self._raw) < len(word) and end < len(text)):
            return self._fail(at)
        if self._raw == word:
            self._place_scalar(value)
        return end

    # Strings -----------------------------------------------------------------------------------------------------

    def _start_string(self, *, is_key: bool) -> None:
        self._string, self._is_key = PartialString(), is_key
        self._open = "" if is_key else "string"
        self._mode = PartialJson._in_string

    def _in_string(self, text: str, at: int) -> int:
        at = self._string.feed(text, at)
        if self._string.is_broken:
            return self._fail(len(text))
        if self._string.is_closed:
            content = self._string.content()
            if self._is_key:
                self._keys[-1], self._mode = content, PartialJson._colon
            else:
                self._place_scalar(content)
        return at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _number(raw: str) -> Any:
    match = _NUMBER.match(raw)
    if match is None:
        return MISSING
    digits = match.group()
    try:
        return int(digits) if digits.lstrip("-").isdigit() else float(digits)
    except ValueError:  # the interpreter's bound on the digits of an int
        return MISSING
