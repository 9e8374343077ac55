"""Graphs as text: nodes in layers from top to bottom, joined by lines.

A node stands below all that lead to it. An edge over several layers passes through places kept free for it. Within a
layer, nodes stand near the middle of what leads to them; the order of the nodes decides what is left open, so that one
graph always gives one drawing. Edges that would close a ring are drawn the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["ascii_text"]

_GAP = 3
_PASSES = 8


def ascii_text(names: Mapping[str, str], edges: Sequence[tuple[str, str, bool]]) -> str:
    """Return the drawing.

    Args:
        names: Id -> label, in the order that decides what is left open.
        edges: Source, target, and whether it is taken only sometimes, which is drawn with dots.
    """
    if not names:
        return ""
    forward = _without_rings(list(names), edges)
    layer = _layers(list(names), forward)
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for node in names:
        rows[layer[node]].append(node)
    links: list[tuple[str, str, bool]] = []
    for source, target, dotted in forward:
        before = source
        for step in range(layer[source] + 1, layer[target]):
            free = f"\0{source}\0{target}\0{step}"
            rows[step].append(free)
            links.append((before, free, dotted))
            before = free
        links.append((before, target, dotted))
    _sort(rows, links)
    return _drawn(rows, links, names, _centres(rows, links, names))


def _without_rings(nodes: list[str], edges: Sequence[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    """Return the edges, those that close a ring turned round, those of a node to itself and doubles left out."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target, _ in edges:
        after[source].append(target)
    state: dict[str, int] = {}
    closing: set[tuple[str, str]] = set()
    for root in nodes:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            node, rest = stack[-1]
            for following in rest:
                if state.get(following) == 1:
                    closing.add((node, following))
                elif following not in state:
                    state[following] = 1
                    stack.append((following, iter(after[following])))
                    break
            else:
                state[node] = 2
                stack.pop()
    kept: dict[tuple[str, str], bool] = {}
    for source, target, dotted in edges:
        pair = (target, source) if (source, target) in closing else (source, target)
        if source != target:
            kept.setdefault(pair, dotted)
    return [(source, target, dotted) for (source, target), dotted in kept.items()]


def _layers(nodes: list[str], edges: Sequence[tuple[str, str, bool]]) -> dict[str, int]:
    waiting = dict.fromkeys(nodes, 0)
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target, _ in edges:
        waiting[target] += 1
        after[source].append(target)
    layer = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waiting[node]]
    while ready:
        node = ready.pop(0)
        for following in after[node]:
            layer[following] = max(layer[following], layer[node] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    return layer


def _sort(rows: list[list[str]], links: Sequence[tuple[str, str, bool]]) -> None:
    """Sort each row by where its neighbours stand, down and up again."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target, _ in links:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    for turn in range(_PASSES):
        down = turn % 2 == 0
        for row in rows[1:] if down else reversed(rows[:-1]):
            place = {node: at for line in rows for at, node in enumerate(line)}
            near = above if down else below
            middle = {
                node: sum(place[one] for one in near[node]) / len(near[node]) if near.get(node) else place[node]
                for node in row
            }
            row.sort(key=middle.__getitem__)


def _centres(rows: list[list[str]], links: Sequence[tuple[str, str, bool]], names: Mapping[str, str]) -> dict[str, int]:
    near: dict[str, list[str]] = {}
    for source, target, _ in links:
        near.setdefault(target, []).append(source)
        near.setdefault(source, []).append(target)
    centre: dict[str, int] = {}
    for row in rows:
        left = 0
        for node in row:
            width = _width(node, names)
            centre[node] = left + width // 2
            left += width + _GAP
    for turn in range(_PASSES):
        for row in rows if turn % 2 == 0 else reversed(rows):
            wanted = [sum(centre[one] for one in near[n]) // len(near[n]) if near.get(n) else centre[n] for n in row]
            _put_apart(row, wanted, centre, names)
    shift = min(centre[node] - _width(node, names) // 2 for row in rows for node in row)
    return {node: at - shift for node, at in centre.items()}


def _put_apart(row: list[str], wanted: list[int], centre: dict[str, int], names: Mapping[str, str]) -> None:
    """Put nodes where they are wanted, as far as they do not touch; the row keeps its middle."""
    placed: list[int] = []
    for at, node in enumerate(row):
        place = wanted[at]
        if placed:
            before = row[at - 1]
            room = (_width(before, names) + 1) // 2 + _GAP + _width(node, names) // 2
            place = max(place, placed[-1] + room)
        placed.append(place)
    shift = (sum(placed) - sum(wanted)) // len(row)
    centre.update({node: place - shift for node, place in zip(row, placed, strict=True)})


def _width(node: str, names: Mapping[str, str]) -> int:
    return len(names[node]) + 4 if node in names else 1


def _drawn(
    rows: list[list[str]], links: Sequence[tuple[str, str, bool]], names: Mapping[str, str], centre: dict[str, int]
) -> str:
    level = {node: at for at, row in enumerate(rows) for node in row}
    pitch = [_pitch(at, links, level, centre) for at in range(len(rows))]
    top = [sum(3 + gap for gap in pitch[:at]) for at in range(len(rows))]
    width = max(centre[node] + _width(node, names) for row in rows for node in row) + 1
    canvas = [[" "] * width for _ in range(top[-1] + 3)]
    for source, target, dotted in links:
        start = top[level[source]] + (3 if source in names else 0)
        _line(canvas, centre[source], start, centre[target], top[level[target]] - 1, dotted)
        if target not in names:
            for line in range(3):
                canvas[top[level[target]] + line][centre[target]] = "." if dotted else "|"
    for node, name in names.items():
        left, line = centre[node] - _width(node, names) // 2, top[level[node]]
        for at, text in enumerate((f"+-{'-' * len(name)}-+", f"| {name} |", f"+-{'-' * len(name)}-+")):
            canvas[line + at][left : left + len(text)] = text
    return "\n".join("".join(line).rstrip() for line in canvas)


def _pitch(at: int, links: Sequence[tuple[str, str, bool]], level: dict[str, int], centre: dict[str, int]) -> int:
    """Return how many lines stand between a row and the next: more where an edge goes far aside."""
    aside = [abs(centre[source] - centre[target]) for source, target, _ in links if level[source] == at]
    return min(3 + max(aside, default=0) // 12, 6)


def _line(canvas: list[list[str]], left: int, top: int, right: int, bottom: int, dotted: bool) -> None:
    steps = max(bottom - top, 1)
    before = left
    for line in range(top, bottom + 1):
        column = left + round((right - left) * (line - top) / steps)
        for between in range(min(before, column) + 1, max(before, column)):
            canvas[line][between] = "." if dotted else "*"
        canvas[line][column] = "." if dotted else "|" if left == right else "*"
        before = column
