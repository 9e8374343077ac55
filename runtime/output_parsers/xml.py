"""The parser of answers in XML, which gives each leaf with its path while the answer arrives.

The value of an element is what stands in it: a list of mappings, one for each element inside, or else its text. So
`<a><b>1</b><c/></a>` is `{"a": [{"b": "1"}, {"c": None}]}`. Attributes are dropped, as is text beside elements. Prose
and a code fence around the root are skipped.

Answers come from strangers: a document type is refused, and with it every entity that is not one of XML's own five, so
nothing is fetched and nothing grows; elements may stand `MAX_DEPTH` deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal
from xml.parsers import expat

from ..exceptions import OutputParserException
from ..runnables.serializable import is_ours
from .base import text_of
from .transform import BaseTransformOutputParser, Feeder

__all__ = ["MAX_DEPTH", "XMLOutputParser"]

MAX_DEPTH = 200
"""An answer whose elements stand deeper inside each other is refused."""

_START = re.compile(r"<(?=[A-Za-z_:?!])")


class XMLOutputParser(BaseTransformOutputParser[dict[str, Any]]):
    """The value of an answer in XML, see the module. A stream yields the path to each leaf when it closes.

    Args:
        tags: The tags that the answer should have; used for the format instructions only.
        parser: Accepted and without effect: answers are always read safely.
    """

    tags: list[str] | None = None
    parser: Literal["defusedxml", "xml"] = "defusedxml"

    @property
    def _type(self) -> str:
        return "xml"

    def feeder(self) -> Feeder:
        """Return what reads one answer, each character once."""
        if not is_ours(type(self), "parse", "parse_result"):
            return super().feeder()
        reader = _XmlReader()

        def feed(chunk: Any) -> Iterable[Any]:
            return reader.feed(text_of(chunk))

        return feed

    def parse(self, text: str) -> dict[str, Any]:
        """Return the value of a text's root element, below its tag.

        Args:
            text: The text.

        Raises:
            OutputParserException: If it holds no whole element, or XML that is refused; `llm_output` is the text.
        """
        reader = _XmlReader()
        reader.feed(text)
        if reader.root is None:
            raise OutputParserException(f"The answer is no XML, or not all of it: {text}", llm_output=text)
        return reader.root

    def get_format_instructions(self) -> str:
        """Return what to tell a model: to answer in XML, with the tags if there are any."""
        tags = f"Use these tags: {', '.join(self.tags)}." if self.tags else "Choose fitting tags yourself."
        return (
            f"Answer with one XML element and nothing else. {tags} Close every tag that you open, in the right order, "
            "and write &lt; and &amp; for < and & in text. For example:\n"
            "```\n<foo>\n   <bar>\n      <baz>text</baz>\n   </bar>\n</foo>\n```"
        )


class _Element:
    """An element that is open."""

    __slots__ = ("inside", "tag", "texts")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.texts: list[str] = []
        self.inside: list[dict[str, Any]] = []

    def value(self) -> list[dict[str, Any]] | str | None:
        return self.inside or "".join(self.texts) or None


class _XmlReader:
    """Reads one answer; `root` is its value once the root element is closed."""

    def __init__(self) -> None:
        self.root: dict[str, Any] | None = None
        self._come: list[str] = []
        self._before: str | None = ""  # what may be a beginning of the root; None once it has begun
        self._stack: list[_Element] = []
        self._leaves: list[dict[str, Any]] = []
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse_type

    def feed(self, text: str) -> list[dict[str, Any]]:
        """Return the leaves that the piece closed, each with its path.

        Raises:
            OutputParserException: If the text is no XML, or XML that is refused.
        """
        if self.root is not None:
            return []
        self._come.append(text)
        if self._before is not None:
            found = _START.search(self._before + text)
            if found is None:
                self._before = "<" if text.endswith("<") or (not text and self._before) else ""
                return []
            text = (self._before + text)[found.start() :]
            self._before = None
        try:
            self._parser.Parse(text, False)
        except expat.ExpatError as err:
            if self.root is None:
                raise self._error(str(err)) from err
        leaves, self._leaves = self._leaves, []
        return leaves

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(f"elements stand more than {MAX_DEPTH} deep")
        if self.root is None:
            self._stack.append(_Element(f"{{{tag}" if "}" in tag else tag))

    def _end(self, tag: str) -> None:
        if self.root is not None:
            return
        element = self._stack.pop()
        value = element.value()
        if not self._stack:
            if not element.inside and (value is None or not str(value).strip()):
                value = []
            self.root = {element.tag: value}
        else:
            self._stack[-1].inside.append({element.tag: value})
        if not element.inside:
            leaf: dict[str, Any] = {element.tag: value}
            for outer in reversed(self._stack):
                leaf = {outer.tag: [leaf]}
            self._leaves.append(leaf)

    def _text(self, text: str) -> None:
        if self._stack:
            self._stack[-1].texts.append(text)

    def _refuse_type(self, *_: Any) -> None:
        raise self._error("a document type is not allowed, since it may define entities")

    def _error(self, why: str) -> OutputParserException:
        come = "".join(self._come)
        return OutputParserException(f"The answer is no XML that can be read, {why}: {come}", llm_output=come)
