"""Graphs of runnables: what they hold, and how they are drawn."""

from typing import Any

import pytest

from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.output_parsers import StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate
from spanloom.runtime.runnables import ConfigurableField, RunnableLambda, RunnableParallel, RunnablePassthrough
from spanloom.runtime.runnables.graph import CurveStyle, Graph, Node, NodeStyles

PROMPT = ChatPromptTemplate.from_template("{a} {b}")
CHAIN = PROMPT | FakeListChatModel(responses=["x"]) | StrOutputParser()


def first(x: int) -> str:
    return str(x)


def shape(graph: Graph) -> set[tuple[str, str]]:
    names = {node.id: node.name for node in graph.nodes.values()}
    return {(names[edge.source], names[edge.target]) for edge in graph.edges}


def by_hand() -> Graph:
    graph = Graph()
    a, b, c = (graph.add_node(RunnableLambda(first), key) for key in ("a", "sub:b", "sub:c"))
    end = graph.add_node(RunnableLambda(first), "end", metadata={"x": 1})
    graph.add_edge(a, b)
    graph.add_edge(b, c, "go", conditional=True)
    graph.add_edge(c, end, conditional=True)
    return graph


@pytest.mark.row("B3.21")
def test_a_sequence_is_its_steps_between_its_input_and_its_output():
    assert shape(CHAIN.get_graph()) == {
        ("PromptInput", "ChatPromptTemplate"),
        ("ChatPromptTemplate", "FakeListChatModel"),
        ("FakeListChatModel", "StrOutputParser"),
        ("StrOutputParser", "StrOutputParserOutput"),
    }
    told = CHAIN.get_graph().to_json()
    assert [node["id"] for node in told["nodes"]] == [0, 1, 2, 3, 4]
    assert told["nodes"][0] == {"id": 0, "type": "schema", "data": "PromptInput"}
    assert told["nodes"][3]["data"]["id"] == ["langchain", "schema", "output_parser", "StrOutputParser"]
    assert CHAIN.get_graph().to_json(with_schemas=True)["nodes"][0]["data"]["required"] == ["a", "b"]
    assert CHAIN.get_prompts() == [PROMPT]


@pytest.mark.row("B3.21")
def test_a_parallel_branches_and_assign_lets_pass():
    made = RunnableParallel(x=RunnableLambda(first), y=RunnablePassthrough()) | PROMPT
    assert {("Parallel<x,y>Input", "first"), ("Passthrough", "Parallel<x,y>Output")} < shape(made.get_graph())
    assigned = RunnablePassthrough.assign(z=RunnableLambda(first))
    assert shape(assigned.get_graph()) == {
        ("Parallel<z>Input", "first"),
        ("first", "Parallel<z>Output"),
        ("Parallel<z>Input", "Passthrough"),
        ("Passthrough", "Parallel<z>Output"),
    }
    assert assigned.invoke({"a": 1}.copy() | {}) == {"a": 1, "z": "{'a': 1}"}


def test_wrappers_have_the_graph_of_what_they_wrap():
    plain = shape(CHAIN.get_graph())
    assert shape(CHAIN.bind(x=1).with_config(tags=["t"]).get_graph()) == plain
    assert shape(CHAIN.with_retry().get_graph()) == plain
    assert ("Each<first>", "Each<first>_output") not in shape(RunnableLambda(first).map().get_graph())


def test_a_function_is_drawn_as_what_it_runs():
    inner = RunnableLambda(first)
    outer = RunnableLambda(lambda value: inner.invoke(value), name="outer")
    assert outer.deps == [inner]
    assert shape(outer.get_graph()) == {("outer_input", "first"), ("first", "outer_output")}


def test_the_chosen_alternative_is_drawn():
    made = RunnableLambda(first).configurable_alternatives(ConfigurableField(id="w"), other=RunnablePassthrough())
    assert "Passthrough" in {n.name for n in made.get_graph({"configurable": {"w": "other"}}).nodes.values()}
    assert "first" in {n.name for n in made.get_graph().nodes.values()}


def test_nodes_and_edges_are_added_found_and_removed():
    graph = by_hand()
    begin, end = graph.first_node(), graph.last_node()
    assert begin is not None
    assert end is not None
    assert (begin.id, end.id) == ("a", "end")
    graph.trim_first_node()
    graph.trim_last_node()
    assert list(graph.nodes) == ["sub:b", "sub:c"]
    outer = Graph()
    one, other = outer.extend(graph, prefix="p")
    assert one is not None
    assert other is not None
    assert (one.id, other.id) == ("p:sub:b", "p:sub:c")
    with pytest.raises(ValueError, match=r"p:sub:b already exists"):
        outer.add_node(RunnableLambda(first), "p:sub:b")
    with pytest.raises(ValueError, match="Source node z not in graph"):
        outer.add_edge(Node("z", "z", None), one)
    assert not Graph()
    assert Graph().first_node() is None


def test_names_that_are_used_again_get_numbers():
    step = RunnableLambda(first)
    assert list((step | step).get_graph().reid().nodes) == ["first_input", "first_1", "first_2", "first_output"]


def test_mermaid_text_declares_joins_and_styles():
    text = CHAIN.get_graph().draw_mermaid()
    assert text.startswith("---\nconfig:\n  flowchart:\n    curve: linear\n---\ngraph TD;\n")
    for line in (
        "\tPromptInput([PromptInput]):::first",
        "\tFakeListChatModel(FakeListChatModel)",
        "\tStrOutputParserOutput([StrOutputParserOutput]):::last",
        "\tChatPromptTemplate --> FakeListChatModel;",
        "\tclassDef default fill:#f2f0ff,line-height:1.2",
    ):
        assert line in text.split("\n")
    assert "classDef" not in CHAIN.get_graph().draw_mermaid(with_styles=False)


def test_mermaid_text_takes_curves_colours_and_more_configuration():
    text = CHAIN.get_graph().draw_mermaid(
        curve_style=CurveStyle.BASIS,
        node_colors=NodeStyles(first="fill:#111"),
        frontmatter_config={"config": {"theme": "neutral"}},
    )
    assert "    curve: basis\n  theme: neutral\n---" in text
    assert "\tclassDef first fill:#111\n" in text


def test_mermaid_text_nests_ids_with_colons_and_dots_what_is_conditional():
    assert by_hand().draw_mermaid().split("\n")[5:-4] == [
        "graph TD;",
        "\ta([a]):::first",
        "\tend([end<hr/><small><em>x = 1</em></small>]):::last",
        "\ta --> sub\\3ab;",
        "\tsub\\3ac -.-> end;",
        "\tsubgraph sub",
        "\tsub\\3ab(b)",
        "\tsub\\3ac(c)",
        "\tsub\\3ab -. &nbsp;go&nbsp; .-> sub\\3ac;",
        "\tend",
    ]


def test_a_drawing_is_in_layers_and_always_the_same(capsys: pytest.CaptureFixture[str]):
    made = RunnableParallel(x=RunnableLambda(first), y=RunnablePassthrough())
    assert made.get_graph().draw_ascii() == made.get_graph().draw_ascii()
    lines = made.get_graph().draw_ascii().split("\n")
    at = {name: next(i for i, line in enumerate(lines) if f"| {name} |" in line) for name in ("first", "Passthrough")}
    assert at["first"] == at["Passthrough"]
    made.get_graph().print_ascii()
    assert capsys.readouterr().out == made.get_graph().draw_ascii() + "\n"


def test_a_small_drawing_looks_like_this():
    assert RunnableLambda(first).get_graph().draw_ascii() == "\n".join(
        [
            " +-------------+",
            " | first_input |",
            " +-------------+",
            "        |",
            "        |",
            "        |",
            "    +-------+",
            "    | first |",
            "    +-------+",
            "        |",
            "        |",
            "        |",
            "+--------------+",
            "| first_output |",
            "+--------------+",
        ]
    )


def test_rings_long_edges_and_empty_graphs_can_be_drawn():
    graph = Graph()
    a, b, c = (graph.add_node(None, key) for key in "abc")
    for source, target in ((a, b), (b, c), (c, a), (a, c), (a, a)):
        graph.add_edge(source, target)
    drawn = graph.draw_ascii()
    assert [drawn.index(f"| {key} |") for key in "abc"] == sorted(drawn.index(f"| {key} |") for key in "abc")
    assert Graph().draw_ascii() == ""
    wide: Any = RunnableParallel({f"k{n}": RunnableLambda(first) for n in range(8)})
    assert wide.get_graph().draw_ascii().count("| first |") == 8
