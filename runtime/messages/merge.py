"""How values of message chunks join: strings are concatenated, counts added, containers merged.

Every function takes any number of values and gives the left fold over them, in time linear in their total size: a
string that grows is kept as pieces and joined once, and list entries are found by their index, not by search.

Inputs are never changed; parts that needed no merging are shared with the result.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

__all__ = ["merge_content", "merge_dicts", "merge_lists", "merge_values"]

_Content = str | list[str | dict[Any, Any]]
_IDENTITIES = frozenset({"id", "output_version", "model_provider"})
_LATEST_WINS = frozenset({"index", "created", "timestamp"})
_AUTO_INDEX = "lc_"
_TEXT_BLOCK = {"type", "text", "index"}


def merge_content(first: _Content, *others: _Content) -> _Content:
    """Return message contents joined.

    Texts are concatenated. A text meeting a list becomes its first entry; a text after a list extends the last entry if
    that is a text, and otherwise becomes a new one unless it is empty. Lists merge as `merge_lists` says.

    Raises:
        TypeError: If entries with the same index hold values that cannot be joined.
    """
    if len(others) == 1 and (pair := _joined_pair(first, others[0])) is not None:
        return pair
    contents = [first, *others]
    texts = 0
    while texts < len(contents) and isinstance(contents[texts], str):
        texts += 1
    head = "".join(cast("list[str]", contents[:texts]))
    if texts == len(contents):
        return head
    joined = _Blocks()
    if texts:
        joined.items.extend([head, *contents[texts]])
    else:
        joined.start(cast("list[Any]", contents[0]))
    if texts:
        joined.index_all()
    for content in contents[texts + 1 if texts else 1 :]:
        if isinstance(content, str):
            joined.add_text(content)
        else:
            joined.absorb(content)
    return joined.done()


def _joined_pair(first: _Content, second: _Content) -> _Content | None:
    """Return two texts, or two single blocks of one text, joined; None for all else. Streams are mostly these."""
    if isinstance(first, str) or isinstance(second, str):
        return first + second if isinstance(first, str) and isinstance(second, str) else None
    if len(first) != 1 or len(second) != 1 or not isinstance(first[0], dict) or not isinstance(second[0], dict):
        return None
    known, more = first[0], second[0]
    if known.keys() != _TEXT_BLOCK or more.keys() != _TEXT_BLOCK or type(known["index"]) is not int:
        return None
    if known["index"] != more["index"] or not known["type"] == more["type"] == "text":
        return None
    texts = known["text"], more["text"]
    return [{**known, "text": "".join(texts)}] if all(isinstance(text, str) for text in texts) else None


def merge_dicts(first: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    """Return mappings merged key by key.

    None gives way to a value. Strings are concatenated, except equal `id`, `model_provider`, `output_version` and
    automatic `index` values, which stay. Equal values stay; other ints are added, except `index`, `created` and
    `timestamp`, where the latest wins. Mappings and lists merge.

    Raises:
        TypeError: If a key holds values of different types, or unequal values of a type that cannot be joined.
    """
    fields = _Fields(first)
    for other in others:
        fields.absorb(other)
    return fields.done()


def merge_lists(first: list[Any] | None, *others: list[Any] | None) -> list[Any] | None:
    """Return lists joined, or None if all are None.

    A mapping with an `index` (an int, or a string that starts with `lc_`) merges into the first earlier mapping with
    the same index, unless both have an id and the ids differ; its `type` is dropped. A `non_standard` mapping merges
    its `value` into the other's `value`, or `extras` if the other has another type. Everything else is appended.

    Raises:
        TypeError: If mappings with the same index hold values that cannot be joined.
    """
    lists = [entries for entries in (first, *others) if entries is not None]
    if not lists:
        return None
    blocks = _Blocks()
    blocks.start(lists[0])
    for entries in lists[1:]:
        blocks.absorb(entries)
    return blocks.done()


def merge_values(left: Any, right: Any) -> Any:
    """Return two values joined; None gives way to the other.

    Raises:
        TypeError: If the types differ.
        ValueError: If they are unequal and neither strings, mappings nor lists.
    """
    if left is None or right is None:
        return right if left is None else left
    if type(left) is not type(right):
        raise TypeError(f"Cannot join {left!r} and {right!r}: their types differ.")
    if isinstance(left, str):
        return left + right
    if isinstance(left, dict):
        return merge_dicts(left, right)
    if isinstance(left, list):
        return merge_lists(left, right)
    if left == right:
        return left
    raise ValueError(f"Cannot join {left!r} and {right!r}: only strings, mappings, lists and equal values join.")


class _Text:
    """A string in pieces."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str) -> None:
        self.parts = list(parts)

    def done(self) -> str:
        return "".join(self.parts)


class _Fields:
    """A mapping being merged; values that took part in a merge are builders."""

    __slots__ = ("data",)

    def __init__(self, first: Mapping[str, Any]) -> None:
        self.data = dict(first)

    def absorb(self, other: Mapping[str, Any]) -> None:
        data = self.data
        for key, value in other.items():
            known = data.get(key)
            if known is None:
                data[key] = value
            elif value is not None:
                data[key] = _join(key, known, value)

    def done(self) -> dict[str, Any]:
        return {key: _done(value) for key, value in self.data.items()}


class _Blocks:
    """A list being merged; `places` knows where each index stands."""

    __slots__ = ("items", "places")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.places: dict[Any, list[int]] = {}

    def start(self, entries: Iterable[Any]) -> None:
        self.items.extend(entries)
        self.index_all()

    def index_all(self) -> None:
        for place, entry in enumerate(self.items):
            self._remember(place, entry)

    def add_text(self, text: str) -> None:
        last = self.items[-1] if self.items else None
        if isinstance(last, str):
            self.items[-1] = _Text(last, text)
        elif isinstance(last, _Text):
            last.parts.append(text)
        elif text:
            self.items.append(text)

    def absorb(self, entries: Iterable[Any]) -> None:
        for entry in entries:
            place = self._place_for(entry)
            if place is None:
                self._remember(len(self.items), entry)
                self.items.append(entry)
                continue
            known = self.items[place]
            if not isinstance(known, _Fields):
                known = self.items[place] = _Fields(known)
            known.absorb(_as_addition(known, entry))

    def _remember(self, place: int, entry: Any) -> None:
        if isinstance(entry, dict) and isinstance(entry.get("index"), int | float | str):
            self.places.setdefault(entry["index"], []).append(place)

    def _place_for(self, entry: Any) -> int | None:
        if not isinstance(entry, dict):
            return None
        index = entry.get("index")
        if not isinstance(index, int) and not (isinstance(index, str) and index.startswith(_AUTO_INDEX)):
            return None
        own_id = entry.get("id")
        for place in self.places.get(index, ()):
            known = self.items[place]
            known_id = _done((known.data if isinstance(known, _Fields) else known).get("id"))
            if not own_id or not known_id or known_id == own_id:
                return place
        return None

    def done(self) -> list[Any]:
        return [_done(item) for item in self.items]


def _as_addition(known: _Fields, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if entry.get("type") == "non_standard" and "value" in entry:
        return {"value" if known.data.get("type") == "non_standard" else "extras": entry["value"]}
    return {key: value for key, value in entry.items() if key != "type"} if "type" in entry else entry


def _done(value: Any) -> Any:
    return value.done() if isinstance(value, _Text | _Fields | _Blocks) else value


def _join(key: str, known: Any, value: Any) -> Any:
    """Return the builder or value that stands for `known` joined with `value`; neither is None."""
    kinds = {_Text: str, _Fields: dict, _Blocks: list}
    if kinds.get(type(known), type(known)) is not type(value):
        raise TypeError(f"Cannot join {key!r}: it was {_done(known)!r} and now is {value!r}, of another type.")
    if isinstance(value, str):
        if (key in _IDENTITIES or (key == "index" and value.startswith(_AUTO_INDEX))) and _done(known) == value:
            return known
        if not isinstance(known, _Text):
            return _Text(known, value)
        known.parts.append(value)
        return known
    if isinstance(value, dict):
        fields = known if isinstance(known, _Fields) else _Fields(known)
        fields.absorb(value)
        return fields
    if isinstance(value, list):
        blocks = known
        if not isinstance(blocks, _Blocks):
            blocks = _Blocks()
            blocks.start(known)
        blocks.absorb(value)
        return blocks
    if known == value:
        return known
    if type(value) is int:
        return value if key in _LATEST_WINS else known + value
    raise TypeError(f"Cannot join {key!r}: {known!r} and {value!r} are unequal and of a type that does not add up.")
