import io

import pytest

from spanloom.exporters import ConsoleSink, SpanEvent, render_tree
from spanloom.tracing import names


def test_a_trace_is_printed_as_a_tree_in_the_order_of_starts(make_span):
    root = make_span(
        name="chain", attributes={names.RUN_TYPE: "chain", names.OUTCOME: "ok", names.RUN_TAGS: ["a", "b"]}
    )
    second = make_span(name="model", parent_span_id=root.span_id, start_ns=30_000_000, end_ns=42_500_000)
    first = make_span(name="prompt", parent_span_id=root.span_id, start_ns=10_000_000, end_ns=11_000_000)
    deep = make_span(
        name="http",
        parent_span_id=first.span_id,
        status="ERROR",
        status_message="TimeoutError: late",
        start_ns=10_000_000,
        end_ns=10_100_000,
    )
    assert render_tree([second, deep, first, root]).splitlines()[1:] == [
        "└─ chain  chain  0.5 ms  ok  [a, b]",
        "   ├─ prompt  1.0 ms  ok",
        "   │  └─ http  0.1 ms  error: TimeoutError: late",
        "   └─ model  12.5 ms  ok",
    ]


def test_spans_without_their_parent_are_shown_apart(make_span):
    root = make_span(name="root")
    orphan = make_span(name="orphan", parent_span_id="f" * 16)
    child = make_span(name="child", parent_span_id=orphan.span_id)
    assert [line.rsplit("  ", 2)[0] for line in render_tree([root, orphan, child]).splitlines()[1:]] == [
        "├─ root",
        "└─ missing parent",
        "   └─ orphan",
        "      └─ child",
    ]


def test_spans_that_are_their_own_ancestors_are_shown_once(make_span):
    one = make_span(name="one", span_id="1" * 16, parent_span_id="2" * 16)
    two = make_span(name="two", span_id="2" * 16, parent_span_id="1" * 16)
    text = render_tree([one, two])
    assert "circular parents" in text
    assert (text.count("one"), text.count("two")) == (1, 1)


def test_a_chain_of_thousands_is_no_trouble(make_span):
    spans = [make_span(span_id=f"{n + 1:016x}", parent_span_id=f"{n:016x}" if n else None) for n in range(5000)]
    assert len(render_tree(spans, width=40).splitlines()) == 5001


def test_long_lines_are_cut_and_control_characters_shown(make_span):
    text = render_tree([make_span(name="a\x1b[31mb\n" + "x" * 200)], width=50)
    assert max(map(len, text.splitlines())) == 50
    assert "\x1b" not in text
    assert "\\x1b[31mb\\n" in text


def test_colour_marks_the_outcome_only(make_span):
    span = make_span(status="ERROR", attributes={names.RUN_TAGS: ["t"]})
    assert render_tree([span], color=True).splitlines()[1].endswith("\x1b[31merror\x1b[0m  [t]")


def acted(source: str | None, kind: str, value: str) -> SpanEvent:
    told = {names.GUARDRAIL_SOURCE: source, names.GUARDRAIL_POLICY_KIND: kind, names.GUARDRAIL_RESULT_VALUE: value}
    return SpanEvent(names.GUARDRAIL_EVENT, 1, {name: said for name, said in told.items() if said is not None})


def test_what_guardrails_did_is_told_behind_the_outcome_each_thing_once(make_span):
    """Other events are not; what a guardrail did not name is left out, and what it named cannot move the cursor."""
    events = [
        SpanEvent("exception", 1, {names.GUARDRAIL_SOURCE: "INPUT"}),
        acted("INPUT", "topic", "BLOCKED"),
        acted("INPUT", "topic", "BLOCKED"),
        acted("OUTPUT", "word", "BLOCKED"),
        acted(None, "content", "a\x1b[2Jb"),
    ]
    attributes = {names.RUN_TYPE: "chat_model", names.OUTCOME: "ok", names.RUN_TAGS: ["t"]}
    told = "guardrail: INPUT topic BLOCKED, OUTPUT word BLOCKED, content a\\x1b[2Jb"
    line = render_tree([make_span(name="chat m", events=events, attributes=attributes)]).splitlines()[1]
    assert line == f"└─ chat m  chat_model  0.5 ms  ok  {told}  [t]"
    colored = render_tree([make_span(name="chat m", events=events, attributes=attributes)], color=True)
    assert f"\x1b[32mok\x1b[0m  {told}" in colored


def test_a_width_too_small_is_refused():
    with pytest.raises(ValueError, match="at least 20"):
        render_tree([], width=3)


def test_a_trace_is_printed_once_its_root_has_ended(make_span):
    out = io.StringIO()
    sink = ConsoleSink(out)
    root = make_span(name="root")
    sink.export([make_span(name="child", parent_span_id=root.span_id)])
    assert out.getvalue() == ""
    sink.export([root])
    assert [line.rsplit("  ", 2)[0] for line in out.getvalue().splitlines()[1:]] == ["└─ root", "   └─ child"]
    sink.export([make_span(name="late", parent_span_id=root.span_id)])
    sink.close()
    assert "missing parent" in out.getvalue()
    assert "late" in out.getvalue()


def test_a_terminal_that_lacks_the_characters_gets_others(make_span):
    raw = io.BytesIO()
    sink = ConsoleSink(io.TextIOWrapper(raw, encoding="ascii"))
    sink.export([make_span(name="größe")])
    assert b"gr??e" in raw.getvalue()
