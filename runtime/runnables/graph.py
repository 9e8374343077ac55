"""Graphs of runnables: nodes and edges, to look at, to join, to write as JSON and to draw."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from .base import Runnable
from .drawing_ascii import ascii_text
from .drawing_mermaid import mermaid_text
from .drawing_nodes import Branch, CurveStyle, Edge, LabelsDict, Node, NodeStyles
from .schemas import json_schema

__all__ = [
    "Branch",
    "CurveStyle",
    "Edge",
    "Graph",
    "LabelsDict",
    "Node",
    "NodeStyles",
    "is_uuid",
    "node_data_json",
    "node_data_str",
]


def is_uuid(value: str) -> bool:
    """Return whether the text is a UUID.

    Args:
        value: The text.
    """
    try:
        UUID(value)
    except ValueError:
        return False
    return True


@dataclass
class Graph:
    """Nodes and edges.

    Args:
        nodes: Id -> node, in the order in which they were added.
        edges: The edges, in the order in which they were added.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def next_id(self) -> str:
        """Return a new id for a node."""
        return uuid4().hex

    def add_node(self, data: Any, id: str | None = None, *, metadata: dict[str, Any] | None = None) -> Node:
        """Add a node and return it.

        Args:
            data: The runnable, or the model of an input or output, that it stands for.
            id: Its id; a new one when not given.
            metadata: What else is shown of it.

        Raises:
            ValueError: If there is a node of that id.
        """
        if id is not None and id in self.nodes:
            raise ValueError(f"Node with id {id} already exists; give it another.")
        key = id or self.next_id()
        node = Node(key, node_data_str(key, data), data, metadata)
        self.nodes[key] = node
        return node

    def remove_node(self, node: Node) -> None:
        """Remove a node and the edges at it.

        Args:
            node: The node.
        """
        self.nodes.pop(node.id)
        self.edges = [edge for edge in self.edges if node.id not in (edge.source, edge.target)]

    def add_edge(self, source: Node, target: Node, data: Any = None, conditional: bool = False) -> Edge:
        """Add an edge and return it.

        Args:
            source: Where it begins.
            target: Where it ends.
            data: Its label.
            conditional: Whether it is taken only sometimes.

        Raises:
            ValueError: If one of the nodes is not in the graph.
        """
        for what, node in (("Source", source), ("Target", target)):
            if node.id not in self.nodes:
                raise ValueError(f"{what} node {node.id} not in graph; add it first.")
        edge = Edge(source.id, target.id, data, conditional)
        self.edges.append(edge)
        return edge

    def first_node(self) -> Node | None:
        """Return the only node to which no edge leads; None where there is not exactly one."""
        return self._end(first=True)

    def last_node(self) -> Node | None:
        """Return the only node from which no edge leads; None where there is not exactly one."""
        return self._end(first=False)

    def trim_first_node(self) -> None:
        """Remove the first node, where the graph has a first node without it."""
        node = self.first_node()
        if node is not None and self._end(first=True, without=node.id) is not None:
            self.remove_node(node)

    def trim_last_node(self) -> None:
        """Remove the last node, where the graph has a last node without it."""
        node = self.last_node()
        if node is not None and self._end(first=False, without=node.id) is not None:
            self.remove_node(node)

    def _end(self, *, first: bool, without: str | None = None) -> Node | None:
        led = {
            (edge.target if first else edge.source)
            for edge in self.edges
            if (edge.source if first else edge.target) != without
        }
        found = [node for node in self.nodes.values() if node.id not in led and node.id != without]
        return found[0] if len(found) == 1 else None

    def extend(self, graph: Graph, *, prefix: str = "") -> tuple[Node | None, Node | None]:
        """Add all of another graph and return its first and last node as they are here.

        Args:
            graph: The graph.
            prefix: Put before the ids with `:`, which draws them as a subgraph; ids that are all UUIDs stay.
        """
        if prefix and all(is_uuid(key) for key in graph.nodes):
            prefix = ""
        new = {key: f"{prefix}:{key}" if prefix else key for key in graph.nodes}
        self.nodes.update({new[key]: node.copy(id=new[key]) for key, node in graph.nodes.items()})
        self.edges += [edge.copy(source=new[edge.source], target=new[edge.target]) for edge in graph.edges]
        first, last = graph.first_node(), graph.last_node()
        return (
            None if first is None else self.nodes[new[first.id]],
            None if last is None else self.nodes[new[last.id]],
        )

    def reid(self) -> Graph:
        """Return the graph with names in place of ids that are UUIDs; a name used again gets a number."""
        total = Counter(node.name for node in self.nodes.values())
        seen: Counter[str] = Counter()
        new: dict[str, str] = {}
        for key, node in self.nodes.items():
            seen[node.name] += 1
            numbered = f"{node.name}_{seen[node.name]}" if total[node.name] > 1 else node.name
            new[key] = numbered if is_uuid(key) else key
        return Graph(
            {new[key]: node.copy(id=new[key]) for key, node in self.nodes.items()},
            [edge.copy(source=new[edge.source], target=new[edge.target]) for edge in self.edges],
        )

    def to_json(self, *, with_schemas: bool = False) -> dict[str, list[dict[str, Any]]]:
        """Return the graph as JSON; ids that are UUIDs become numbers.

        Args:
            with_schemas: Whether the models of inputs and outputs are written out.
        """
        shown: Mapping[str, Any] = {key: at if is_uuid(key) else key for at, key in enumerate(self.nodes)}
        nodes = [
            {"id": shown[node.id], **node_data_json(node, with_schemas=with_schemas)} for node in self.nodes.values()
        ]
        edges = []
        for edge in self.edges:
            told: dict[str, Any] = {"source": shown[edge.source], "target": shown[edge.target]}
            if edge.data is not None:
                told["data"] = edge.data
            if edge.conditional:
                told["conditional"] = True
            edges.append(told)
        return {"nodes": nodes, "edges": edges}

    def draw_ascii(self) -> str:
        """Return the graph drawn as text, from top to bottom; one graph always gives one drawing."""
        names = {node.id: node.name for node in self.nodes.values()}
        return ascii_text(names, [(edge.source, edge.target, edge.conditional) for edge in self.edges])

    def print_ascii(self) -> None:
        """Print the graph drawn as text."""
        sys.stdout.write(self.draw_ascii() + "\n")

    def draw_mermaid(
        self,
        *,
        with_styles: bool = True,
        curve_style: CurveStyle = CurveStyle.LINEAR,
        node_colors: NodeStyles | None = None,
        wrap_label_n_words: int = 9,
        frontmatter_config: dict[str, Any] | None = None,
    ) -> str:
        """Return the graph as Mermaid text; ids with `:` stand in subgraphs.

        Args:
            with_styles: Whether nodes are declared and styled, not only joined.
            curve_style: How lines are drawn.
            node_colors: How nodes are drawn.
            wrap_label_n_words: How many words of an edge's label stand in one line.
            frontmatter_config: More configuration of Mermaid.
        """
        graph = self.reid()
        first, last = graph.first_node(), graph.last_node()
        return mermaid_text(
            graph.nodes,
            graph.edges,
            first=None if first is None else first.id,
            last=None if last is None else last.id,
            with_styles=with_styles,
            curve_style=curve_style,
            node_styles=node_colors,
            wrap_label_n_words=wrap_label_n_words,
            frontmatter_config=frontmatter_config,
        )


def node_data_str(id: str, data: Any) -> str:
    """Return the label of a node: its id where that is no UUID, else the name of what it stands for.

    Args:
        id: Its id.
        data: What it stands for.
    """
    if not is_uuid(id) or data is None:
        return id
    name = data.get_name() if isinstance(data, Runnable) else str(getattr(data, "__name__", data))
    return name if name == "Runnable" else name.removeprefix("Runnable")


def node_data_json(node: Node, *, with_schemas: bool = False) -> dict[str, Any]:
    """Return what a node stands for as JSON.

    Args:
        node: The node.
        with_schemas: Whether models are written out.
    """
    told: dict[str, Any] = {}
    if isinstance(node.data, Runnable):
        told = {"type": "runnable", "data": {"id": node.data.lc_id(), "name": node.name}}
    elif isinstance(node.data, type):
        told = {"type": "schema", "data": json_schema(node.data) if with_schemas else node.name}
    elif node.data is not None:
        told = {"type": "unknown", "data": node.name}
    return {**told, "metadata": node.metadata} if node.metadata is not None else told
