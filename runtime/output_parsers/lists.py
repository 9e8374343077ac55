"""Parsers of lists: comma separated, numbered, and with the marks of Markdown.

While the answer arrives each item is yielded as a list of its own, as soon as it is complete: at its separator or the
end of its line, the last at the end of the answer. Put together, the items of a stream are the list of the answer.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Protocol

from pydantic import Field

from ..messages.message import BaseMessage
from ..runnables.io import Io
from ..runnables.serializable import is_ours
from .base import text_of
from .transform import BaseTransformOutputParser

__all__ = [
    "CommaSeparatedListOutputParser",
    "ListOutputParser",
    "ListReader",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
]


class ListReader(Protocol):
    """Reads one answer piece by piece."""

    def feed(self, text: str) -> list[str]:
        """Return the items that the piece completed."""
        ...

    def end(self) -> list[str]:
        """Return the items that the end of the answer completed."""
        ...


class ListOutputParser(BaseTransformOutputParser[list[str]]):
    """A list of texts; a subclass writes `parse`, one that streams better also `reader`."""

    def reader(self) -> ListReader:
        """Return what reads one answer while it arrives: here `parse` over what no yielded item stands for.

        The last item of what has come is held back, since it may grow.
        """
        return _ByParse(self)

    @abstractmethod
    def parse(self, text: str) -> list[str]:
        """Return the items of a text.

        Args:
            text: The text.
        """

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[list[str]]:
        reader = self.reader()
        for chunk in input:
            yield from ([item] for item in reader.feed(text_of(chunk)))
        yield from ([item] for item in reader.end())

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[list[str]]:
        reader = self.reader()
        async for chunk in input:
            for item in reader.feed(text_of(chunk)):
                yield [item]
        for item in reader.end():
            yield [item]

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[list[str]]:
        """Yield items as they become complete.

        Args:
            chunks: The chunks of an answer.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If a chunk is neither text nor message.
        """
        ours = self._cannot_block() and is_ours(type(self), "_transform", "_atransform", "feeder", "reader")
        items = self._atransform(chunks) if ours else super().flow(chunks, io, **kwargs)
        try:
            async for item in items:
                yield item
        finally:
            await io.close(items)


class CommaSeparatedListOutputParser(ListOutputParser):
    r"""Items between commas or in lines; blanks before an item are dropped, those after it kept.

    An item in double quotes may hold commas and line ends, and a quote as two (RFC 4180).
    """

    always_shown: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold this parser."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace."""
        return ["langchain", "output_parsers", "list"]

    @property
    def _type(self) -> str:
        return "comma-separated-list"

    def reader(self) -> ListReader:
        """Return what reads one answer, each character once."""
        return _Commas() if is_ours(type(self), "parse") else super().reader()

    def parse(self, text: str) -> list[str]:
        """Return the items of a text.

        Args:
            text: The text.
        """
        reader = _Commas()
        return [*reader.feed(text), *reader.end()]

    def get_format_instructions(self) -> str:
        """Return what to tell a model: to separate values by commas."""
        return "Answer with a list of values separated by commas, such as `foo, bar, baz` or `foo,bar,baz`."


class _LinesParser(ListOutputParser):
    """A list with at most one item a line."""

    pattern: str

    def reader(self) -> ListReader:
        """Return what reads one answer, each line once."""
        return _Lines(re.compile(self.pattern)) if is_ours(type(self), "parse") else super().reader()

    def parse(self, text: str) -> list[str]:
        """Return the items of a text; lines that hold none are skipped.

        Args:
            text: The text.
        """
        reader = _Lines(re.compile(self.pattern))
        return [*reader.feed(text), *reader.end()]


class NumberedListOutputParser(_LinesParser):
    """The lines that are numbered, such as `1. first`; other lines are skipped.

    Args:
        pattern: What is searched in each line; its first group is the item.
    """

    # The look back keeps a line of digits from being searched anew from each of them.
    pattern: str = Field(default=r"(?<!\d)\d+\.\s+(\S.*)")

    @property
    def _type(self) -> str:
        return "numbered-list"

    def get_format_instructions(self) -> str:
        """Return what to tell a model: to number its lines."""
        return "Answer with a numbered list, each item on a line of its own. For example:\n\n1. foo\n\n2. bar\n\n3. baz"


class MarkdownListOutputParser(_LinesParser):
    """The lines that begin with `-` or `*`; other lines are skipped.

    Args:
        pattern: What is searched in each line; its first group is the item.
    """

    pattern: str = Field(default=r"^\s*[-*]\s+(\S.*)")

    @property
    def _type(self) -> str:
        return "markdown-list"

    def get_format_instructions(self) -> str:
        """Return what to tell a model: to mark its lines."""
        return "Answer with a Markdown list, such as:\n\n- foo\n- bar\n- baz"


class _ByParse:
    """Reads with a user's `parse`."""

    def __init__(self, parser: ListOutputParser) -> None:
        self._parser = parser
        self._held = ""

    def feed(self, text: str) -> list[str]:
        self._held += text
        items = self._parser.parse(self._held)
        if len(items) < 2:
            return []
        self._held = items[-1]
        return items[:-1]

    def end(self) -> list[str]:
        return self._parser.parse(self._held)


class _Lines:
    """Reads line by line."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._open: list[str] = []

    def feed(self, text: str) -> list[str]:
        *whole, rest = text.split("\n")
        items = [item for line in whole for item in self._line(line)]
        self._open.append(rest)
        return items

    def end(self) -> list[str]:
        return self._line("")

    def _line(self, last: str) -> list[str]:
        found = self._pattern.search("".join([*self._open, last]).rstrip("\r"))
        self._open.clear()
        return [] if found is None else [found[1]]


_QUOTED = re.compile(r'[^"]+|"')
_BARE = re.compile(r"[^,\r\n]+|[,\r\n]")


class _Commas:
    """Reads items between commas; a line that is blank holds none."""

    def __init__(self) -> None:
        self._item: list[str] = []
        self._state = "start"  # start | bare | quoted | quote: just after a quote inside a quoted item
        self._in_line = False  # whether the line has had a separator, so that an empty item counts

    def feed(self, text: str) -> list[str]:
        items: list[str] = []
        place = 0
        while place < len(text):
            if self._state == "start":
                place = self._begin(text, place)
            elif self._state == "quoted":
                place = self._quoted(text, place)
            elif self._state == "quote" and text[place] == '"':
                self._item.append('"')
                self._state, place = "quoted", place + 1
            else:
                found = _BARE.match(text, place)
                piece = found[0] if found is not None else text[place]
                place += len(piece)
                self._bare(piece, items)
        return items

    def _begin(self, text: str, place: int) -> int:
        while place < len(text) and text[place] == " ":
            place += 1
        if place < len(text):
            quoted = text[place] == '"'
            self._state = "quoted" if quoted else "bare"
            return place + quoted
        return place

    def _quoted(self, text: str, place: int) -> int:
        found = _QUOTED.match(text, place)
        piece = found[0] if found is not None else text[place]
        if piece == '"':
            self._state = "quote"
        else:
            self._item.append(piece)
        return place + len(piece)

    def _bare(self, piece: str, items: list[str]) -> None:
        if piece == ",":
            items.append("".join(self._item))
            self._item.clear()
            self._state, self._in_line = "start", True
        elif piece in "\r\n":
            items.extend(self.end())
        else:
            self._item.append(piece)
            self._state = "bare"

    def end(self) -> list[str]:
        there = self._in_line or bool(self._item) or self._state in ("quoted", "quote")
        items = ["".join(self._item)] if there else []
        self._item.clear()
        self._state, self._in_line = "start", False
        return items
