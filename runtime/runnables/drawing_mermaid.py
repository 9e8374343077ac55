r"""Graphs as Mermaid text.

Node ids with `:` are nested: `a:b` stands in the subgraph `a`. Characters that Mermaid does not take in an id become
`\` and their code in hexadecimal. A label of an edge is broken after some words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .drawing_nodes import CurveStyle, Edge, Node, NodeStyles

__all__ = ["mermaid_text"]

_MARKDOWN = ("*", "_", "`")


def mermaid_text(
    nodes: Mapping[str, Node],
    edges: Sequence[Edge],
    *,
    first: str | None = None,
    last: str | None = None,
    with_styles: bool = True,
    curve_style: CurveStyle = CurveStyle.LINEAR,
    node_styles: NodeStyles | None = None,
    wrap_label_n_words: int = 9,
    frontmatter_config: Mapping[str, Any] | None = None,
) -> str:
    """Return the graph as Mermaid text.

    Args:
        nodes: Id -> node; the ids are what is drawn from.
        edges: The edges.
        first: The id of the first node.
        last: The id of the last node.
        with_styles: Whether nodes are declared and styled, not only joined.
        curve_style: How lines are drawn.
        node_styles: How nodes are drawn.
        wrap_label_n_words: How many words of an edge's label stand in one line.
        frontmatter_config: More configuration of Mermaid, put at the top.
    """
    lines = _frontmatter(curve_style, frontmatter_config) if with_styles else []
    lines.append("graph TD;")
    rooms = _rooms(nodes, edges)
    if with_styles:
        lines += [f"\t{_node(node, node.id, first, last)}" for node in nodes.values() if ":" not in node.id]
    lines += [f"\t{_edge(edge, wrap_label_n_words)}" for edge in edges if _room_of(edge) == ""]
    for room in sorted(room for room in rooms if room and ":" not in room):
        lines += _subgraph(room, rooms, nodes, edges, (first, last, with_styles, wrap_label_n_words))
    if with_styles:
        styles = node_styles or NodeStyles()
        lines += [f"\tclassDef {name} {getattr(styles, name)}" for name in ("default", "first", "last")]
    return "\n".join([*lines, ""])


def _frontmatter(curve: CurveStyle, more: Mapping[str, Any] | None) -> list[str]:
    config = {**((more or {}).get("config") or {})}
    flowchart = {**(config.pop("flowchart", None) or {}), "curve": curve.value}
    rest = {key: value for key, value in (more or {}).items() if key != "config"}
    whole = {**rest, "config": {"flowchart": flowchart, **config}}
    return ["---", *_yaml(whole, 0), "---"]


def _yaml(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield f"{'  ' * depth}{key}:"
            yield from _yaml(inner, depth + 1)
        else:
            text = str(inner)
            is_plain = not isinstance(inner, str) or re.fullmatch(r"[A-Za-z0-9_./-]+", text)
            yield f"{'  ' * depth}{key}: {text if is_plain else _quoted(text)}"


def _quoted(text: str) -> str:
    inside = text.replace("'", "''")
    return f"'{inside}'"


def _rooms(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> set[str]:
    rooms = {node_id.rpartition(":")[0] for node_id in nodes} | {_room_of(edge) for edge in edges}
    return {":".join(room.split(":")[: count + 1]) for room in rooms for count in range(len(room.split(":")))}


def _room_of(edge: Edge) -> str:
    shared = []
    pairs = zip(edge.source.split(":")[:-1], edge.target.split(":")[:-1], strict=False)
    for left, right in pairs:
        if left != right:
            break
        shared.append(left)
    return ":".join(shared)


def _subgraph(
    room: str, rooms: set[str], nodes: Mapping[str, Node], edges: Sequence[Edge], how: tuple[Any, Any, bool, int]
) -> list[str]:
    first, last, with_styles, words = how
    lines = [f"\tsubgraph {room.rpartition(':')[2]}"]
    for node_id, node in nodes.items():
        if with_styles and node_id.rpartition(":")[0] == room:
            lines.append(f"\t{_node(node, node_id, first, last)}")
    lines += [f"\t{_edge(edge, words)}" for edge in edges if _room_of(edge) == room]
    for inner in sorted(found for found in rooms if found.rpartition(":")[0] == room and found):
        lines += _subgraph(inner, rooms, nodes, edges, how)
    return [*lines, "\tend"]


def _node(node: Node, key: str, first: str | None, last: str | None) -> str:
    name = node.name.rpartition(":")[2] or node.name
    label = f'"{name}"' if name.startswith(_MARKDOWN) and name.endswith(_MARKDOWN) else name
    if node.metadata:
        told = "\n".join(f"{key} = {value}" for key, value in node.metadata.items())
        label = f"{label}<hr/><small><em>{told}</em></small>"
    if key == first:
        return f"{_safe(key)}([{label}]):::first"
    return f"{_safe(key)}([{label}]):::last" if key == last else f"{_safe(key)}({label})"


def _edge(edge: Edge, words: int) -> str:
    arrow = " -.-> " if edge.conditional else " --> "
    if edge.data is not None:
        told = str(edge.data).split()
        lines = [" ".join(told[start : start + words]) for start in range(0, len(told), words)]
        label = "&nbsp<br>&nbsp".join(lines)
        arrow = f" -. &nbsp;{label}&nbsp; .-> " if edge.conditional else f" -- &nbsp;{label}&nbsp; --> "
    return f"{_safe(edge.source)}{arrow}{_safe(edge.target)};"


def _safe(key: str) -> str:
    return "".join(char if re.fullmatch(r"[A-Za-z0-9_-]", char) else f"\\{ord(char):x}" for char in key)
