"""The graph of a runnable: what goes in, the steps, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Runnable
from .binding import RunnableBinding
from .each import RunnableEach
from .function import RunnableLambda
from .graph import Graph, Node
from .parallel import RunnableParallel
from .passthrough import RunnableAssign, RunnablePassthrough
from .sequence import RunnableSequence

__all__ = ["graph_of"]

_PACKAGE = f"{__name__.partition('.')[0]}."


def graph_of(runnable: Runnable[Any, Any], config: Any = None) -> Graph:
    """Return the graph of a runnable; one that only wraps another has the other's.

    Args:
        runnable: The runnable.
        config: Values of configurable fields, where they change it.
    """
    if isinstance(runnable, RunnableSequence):
        return _of_sequence(runnable, config)
    if isinstance(runnable, RunnableParallel):
        return _of_branches(runnable, runnable.steps__, config)
    if isinstance(runnable, RunnableAssign):
        return _of_assign(runnable, config)
    bound = _bound(runnable)
    if bound is not None:
        told = runnable._told(config) if isinstance(runnable, RunnableBinding) else config
        return _graph(bound, told)
    if isinstance(runnable, RunnableLambda) and runnable.deps:
        return _of_branches(runnable, dict(enumerate(runnable.deps)), config)
    graph = Graph()
    node = graph.add_node(runnable)
    graph.add_edge(graph.add_node(runnable.get_input_schema(config)), node)
    graph.nodes[node.id] = graph.nodes.pop(node.id)  # after its input
    graph.add_edge(node, graph.add_node(runnable.get_output_schema(config)))
    return graph


def _graph(runnable: Runnable[Any, Any], config: Any) -> Graph:
    made: Graph = runnable.get_graph(config)
    return made


def _bound(runnable: Runnable[Any, Any]) -> Runnable[Any, Any] | None:
    """Return what is bound in a wrapper of ours that adds no run, or only attempts, to it."""
    if not type(runnable).__module__.startswith(_PACKAGE) or isinstance(runnable, RunnableEach):
        return None
    bound = vars(runnable).get("bound")
    return bound if isinstance(bound, Runnable) else None


def _of_sequence(sequence: RunnableSequence[Any, Any], config: Any) -> Graph:
    graph = Graph()
    before: Node | None = None
    for at, step in enumerate(sequence.steps):
        part = _graph(step, config)
        if at > 0:
            part.trim_first_node()
        if at < len(sequence.steps) - 1:
            part.trim_last_node()
        first, last = graph.extend(part)
        if before is not None and first is not None:
            graph.add_edge(before, first)
        before = last
    return graph


def _of_branches(runnable: Runnable[Any, Any], steps: Mapping[Any, Runnable[Any, Any]], config: Any) -> Graph:
    graph = Graph()
    taken = graph.add_node(runnable.get_input_schema(config))
    given = graph.add_node(runnable.get_output_schema(config))
    for step in steps.values():
        part = _graph(step, config)
        part.trim_first_node()
        part.trim_last_node()
        first, last = graph.extend(part)
        graph.add_edge(taken, first or given)
        if first is not None and last is not None:
            graph.add_edge(last, given)
    return graph


def _of_assign(runnable: RunnableAssign, config: Any) -> Graph:
    mapper: Any = runnable.mapper
    graph = _graph(mapper, config)
    first, last = graph.first_node(), graph.last_node()
    passing = graph.add_node(RunnablePassthrough())
    if first is not None and last is not None:
        graph.add_edge(first, passing)
        graph.add_edge(passing, last)
    return graph
