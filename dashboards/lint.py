"""What a Grafana board must hold to and no JSON schema can say."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ..tracing import names

__all__ = ["board_problems"]

_UNITLESS = frozenset({"traces", "text", "row", "nodeGraph", "logs"})
"""Panels that show no measured value of their own."""

_GRID_WIDTH = 24
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_TAG_KEY = re.compile(r"([^\s=]+)=")
_NAMES = frozenset(str(getattr(names, name)) for name in names.__all__)
_OUR_PREFIXES = tuple(sorted({f"{name.partition('.')[0]}." for name in _NAMES}))
"""What our attributes begin with; any other key is somebody else's."""

_Json = Mapping[str, Any]


def board_problems(board: _Json) -> Iterator[str]:
    """Yield what is wrong with a board, one line for each finding.

    Args:
        board: Classic dashboard JSON, parsed. What does not have the expected shape is left to the schema.
    """
    panels = [panel for panel in _sequence(board.get("panels")) if isinstance(panel, dict)]
    variables = [item for item in _sequence(_get(board, "templating", "list")) if isinstance(item, dict)]
    yield from (f"$.{key}: a board needs one" for key in ("uid", "title") if not board.get(key))
    yield from _repeated("panel id", (panel.get("id") for panel in panels))
    yield from _repeated("variable", (item.get("name") for item in variables))
    yield from _overlaps(panels)
    for panel in panels:
        title = f"panel {panel.get('title')!r}"
        yield from _repeated(f"{title}: refId", (target.get("refId") for target in _targets(panel)))
        yield from _source_problems(title, panel, variables)
        yield from _unit_problems(title, panel)
        yield from _variable_problems(title, panel, variables)
        yield from _attribute_problems(title, panel)


def _repeated(what: str, values: Iterable[object]) -> Iterator[str]:
    for value, times in Counter(values).items():
        if value in (None, ""):
            yield f"{what} is missing"
        elif times > 1:
            yield f"{what} {value!r} is used {times} times"


def _overlaps(panels: Sequence[_Json]) -> Iterator[str]:
    places = [(panel.get("title"), place) for panel in panels if (place := _place(panel)) is not None]
    for (left, (ax, ay, aw, ah)), (right, (bx, by, bw, bh)) in combinations(places, 2):
        if ax < bx + bw and bx < ax + aw and ay < by + bh and by < ay + ah:
            yield f"panels {left!r} and {right!r} overlap"
    for title, (x, _, width, _) in places:
        if x + width > _GRID_WIDTH:
            yield f"panel {title!r} reaches over the right edge: the grid is {_GRID_WIDTH} wide"


def _place(panel: _Json) -> tuple[int, int, int, int] | None:
    """Return x, y, width and height, or None where the schema has something to say."""
    x, y, width, height = (_get(panel, "gridPos", key) for key in "xywh")
    whole = all(isinstance(number, int) for number in (x, y, width, height))
    return (x, y, width, height) if whole else None


def _source_problems(title: str, panel: _Json, variables: Sequence[_Json]) -> Iterator[str]:
    allowed = {f"${{{item.get('name')}}}" for item in variables if item.get("type") == "datasource"}
    for owner in (panel, *_targets(panel)):
        uid = _get(owner, "datasource", "uid")
        if uid not in allowed:
            yield f"{title}: the data source {uid!r} is not a data source variable of the board"


def _unit_problems(title: str, panel: _Json) -> Iterator[str]:
    if panel.get("type") in _UNITLESS:
        return
    overrides = _sequence(_get(panel, "fieldConfig", "overrides"))
    settings = (item for override in overrides for item in _sequence(_get(override, "properties")))
    by_field = any(_get(item, "id") == "unit" and _get(item, "value") for item in settings)
    if not by_field and not _get(panel, "fieldConfig", "defaults", "unit"):
        yield f"{title}: no unit is set"


def _variable_problems(title: str, panel: _Json, variables: Sequence[_Json]) -> Iterator[str]:
    known = {item.get("name") for item in variables}
    used = set(_VARIABLE.findall(json.dumps(panel, ensure_ascii=False)))
    for name in sorted(used - known):
        if not name.startswith("__"):  # Grafana's own
            yield f"{title}: ${name} is not a variable of the board"


def _attribute_problems(title: str, panel: _Json) -> Iterator[str]:
    for target in _targets(panel):
        for key in _TAG_KEY.findall(str(target.get("tags", ""))):
            if key.startswith(_OUR_PREFIXES) and key not in _NAMES:
                yield f"{title}: no span carries {key!r}; the names are those of spanloom.tracing.names"


def _targets(panel: _Json) -> list[_Json]:
    return [target for target in _sequence(panel.get("targets")) if isinstance(target, dict)]


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _get(value: object, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
