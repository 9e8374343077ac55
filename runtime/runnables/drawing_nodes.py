"""What a graph is made of, and the styles of its drawings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

__all__ = ["Branch", "CurveStyle", "Edge", "LabelsDict", "Node", "NodeStyles"]


class Edge(NamedTuple):
    """An arrow between two nodes.

    Args:
        source: The id of the node where it begins.
        target: The id of the node where it ends.
        data: Its label.
        conditional: Whether it is taken only sometimes; drawn dotted.
    """

    source: str
    target: str
    data: Any = None
    conditional: bool = False

    def copy(self, *, source: str | None = None, target: str | None = None) -> Edge:
        """Return the edge between other nodes.

        Args:
            source: The new begin.
            target: The new end.
        """
        return Edge(source or self.source, target or self.target, self.data, self.conditional)


class Node(NamedTuple):
    """A node of a graph.

    Args:
        id: Its id, unique in the graph.
        name: Its label.
        data: The runnable, or the model of an input or output, that it stands for.
        metadata: What else is shown of it.
    """

    id: str
    name: str
    data: Any
    metadata: dict[str, Any] | None = None

    def copy(self, *, id: str | None = None, name: str | None = None) -> Node:
        """Return the node with another id or name.

        Args:
            id: The new id.
            name: The new name.
        """
        return Node(id or self.id, name or self.name, self.data, self.metadata)


class Branch(NamedTuple):
    """A function that decides where a graph goes on, and where that may be.

    Args:
        condition: The function.
        ends: Its answer -> the id of a node.
    """

    condition: Any
    ends: dict[str, str] | None


class CurveStyle(Enum):
    """How Mermaid draws lines."""

    BASIS = "basis"
    BUMP_X = "bumpX"
    BUMP_Y = "bumpY"
    CARDINAL = "cardinal"
    CATMULL_ROM = "catmullRom"
    LINEAR = "linear"
    MONOTONE_X = "monotoneX"
    MONOTONE_Y = "monotoneY"
    NATURAL = "natural"
    STEP = "step"
    STEP_AFTER = "stepAfter"
    STEP_BEFORE = "stepBefore"


@dataclass
class NodeStyles:
    """How Mermaid draws nodes, in its own words.

    Args:
        default: Any node.
        first: The first node.
        last: The last node.
    """

    default: str = "fill:#f2f0ff,line-height:1.2"
    first: str = "fill-opacity:0"
    last: str = "fill:#bfb6fc"


class LabelsDict(NamedTuple):
    """Labels that replace those of a graph.

    Args:
        nodes: Name -> label.
        edges: Label -> label.
    """

    nodes: dict[str, str]
    edges: dict[str, str]
