"""Templates in mustache and jinja2, alone, in conversations and among examples."""

import sys
from typing import Any

import pytest

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import HumanMessage
from spanloom.runtime.prompts import (
    ChatPromptTemplate,
    FewShotPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    check_valid_template,
    get_template_variables,
    jinja,
    jinja2_formatter,
    validate_jinja2,
)
from spanloom.runtime.prompts.base import MissingVariableError
from spanloom.runtime.prompts.mustache import mustache_formatter


class Holder:
    """A value with an attribute that no template may reach."""

    secret = "SECRET"


RENDERED: list[tuple[str, dict[str, Any], str]] = [
    ("{{x}} {{{x}}} {{&x}}", {"x": "<a&\"'>"}, "&lt;a&amp;&quot;'&gt; <a&\"'> <a&\"'>"),
    ("{{ a.b }} {{a.c.d}} {{l.1}}", {"a": {"b": 1, "c": {"d": 2}}, "l": [5, 6]}, "1 2 6"),
    ("[{{x}}{{y.z}}{{n}}{{zero}}{{no}}]", {"y": {}, "n": None, "zero": 0, "no": False}, "[0False]"),
    ("{{#xs}}<{{.}}>{{/xs}}", {"xs": [1, 2]}, "<1><2>"),
    ("{{#xs}}<{{n}}{{o}}>{{/xs}}", {"xs": [{"n": 1}, {"n": 2}], "o": "O"}, "<1O><2O>"),
    ("{{#a.b}}{{c}}{{/a.b}}", {"a": {"b": [{"c": 1}]}}, "1"),
    ("{{#d}}yes{{/d}}{{^d}}no{{/d}}", {"d": "x"}, "yes"),
    ("{{#d}}yes{{/d}}{{^d}}no{{/d}}", {"d": []}, "no"),
    ("{{#d}}yes{{/d}}{{^d}}no{{/d}}", {}, "no"),
    ("{{#a}}{{#b}}{{c}}{{d}}{{/b}}{{/a}}", {"a": {"b": {"c": 1}}, "d": 4}, "14"),
    ("a{{! said aside }}b", {}, "ab"),
    ("a\n  {{! alone on its line }}\nb", {}, "a\nb"),
    ("a\n  {{#x}}\n  in\n  {{/x}}\nb", {"x": True}, "a\n  in\nb"),
    ("a\r\n{{#x}}\r\nb\r\n{{/x}}\r\n", {"x": 1}, "a\r\nb\r\n"),
    ("a {{>partial}} b", {"partial": "P"}, "a  b"),
    ("{{=<% %>=}}<%x%> {{x}}", {"x": 1}, "1 {{x}}"),
]


@pytest.mark.parametrize(("template", "values", "expected"), RENDERED)
def test_mustache_renders_as_its_specification_says(template: str, values: dict[str, Any], expected: str) -> None:
    """Variables, sections, inverted sections, comments, delimiters and lines that a tag has for itself."""
    assert mustache_formatter(template, **values) == expected


@pytest.mark.parametrize(
    "template", ["{{x", "{{}}", "{{#x}}a", "{{#x}}a{{/y}}", "a{{/y}}", "{{{x}}", "{{=<%=}}", "{{#a}}{{#b}}{{/a}}{{/b}}"]
)
def test_malformed_mustache_is_refused_with_its_line(template: str) -> None:
    """A tag or section that is not closed, or an empty tag, is told when the prompt is made."""
    with pytest.raises(InvalidInputError, match="line|Line"):
        PromptTemplate.from_template(f"\n{template}", template_format="mustache")


def test_mustache_counts_lines_once() -> None:
    """The time to read a template is linear in its length, though every tag knows its line."""

    class Watched(str):
        counted = 0

        def count(self, sub: str, start: Any = 0, end: Any = None) -> int:
            Watched.counted += (len(self) if end is None else end) - start
            return super().count(sub, start, end)

    template = Watched("{{a}}\n" * 500)
    assert mustache_formatter(template, a=1) == "1\n" * 500
    assert Watched.counted <= len(template)


def test_a_template_in_jinja2_is_compiled_once() -> None:
    """However often it is filled; one filling leaves nothing for the next."""
    prompt = PromptTemplate.from_template("{% set b = a %}{{ b }}{{ c }}", template_format="jinja2")
    jinja._compiled.cache_clear()
    assert [prompt.format(a=1, c=2), prompt.format(a=3), prompt.format()] == ["12", "3", ""]
    assert jinja._compiled.cache_info().misses == 1


def test_jinja2_has_no_other_templates() -> None:
    """Whatever asks for another template is refused as any mistake is."""
    for template in ("{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}"):
        with pytest.raises(InvalidInputError, match="refuses the template"):
            jinja2_formatter(template)


def test_no_template_reaches_into_an_object() -> None:
    """Attributes of values stay closed in every format."""
    assert mustache_formatter("[{{h.secret}}{{h.__class__}}]", h=Holder()) == "[]"
    for template in ("{{h.secret}}", "{{h['secret']}}", "{{h|attr('secret')}}", "{{ h.__class__ }}", "{{'x'.upper()}}"):
        with pytest.raises(InvalidInputError, match="closed"):
            jinja2_formatter(template, h=Holder())
    with pytest.raises(InvalidInputError, match="reaches into"):
        PromptTemplate.from_template("{h.secret}")


def test_mustache_prompts_know_their_variables_and_schema() -> None:
    """Names inside of sections belong to the section's value."""
    template = "{{a.b}}{{#c}}{{d}}{{.}}{{/c}}{{^e}}{{/e}}{{{g}}}{{&h}}{{!i}}{{>j}}"
    prompt = PromptTemplate.from_template(template, template_format="mustache")
    assert prompt.input_variables == ["a", "c", "e", "g", "h"]
    schema = prompt.get_input_schema().model_json_schema()
    assert sorted(schema["properties"]) == prompt.input_variables
    assert sorted(schema["$defs"]) == ["a", "c"]
    with pytest.raises(MissingVariableError, match="'c', 'e', 'g', 'h'"):
        prompt.invoke({"a": 1})


def test_jinja_renders_loops_and_conditions() -> None:
    """Values, items, filters, loops, macros and what is missing."""
    template = "{{a}}{% for i in b %}{{loop.index}}{{i.n}}{% endfor %}{% if c %}{{c|upper}}{% endif %}[{{d}}]"
    prompt = PromptTemplate.from_template(template, template_format="jinja2")
    assert prompt.input_variables == ["a", "b", "c", "d"]
    assert prompt.format(a="<x>", b=[{"n": "A"}, {"n": "B"}], c="c") == "<x>1A2BC[]"
    assert jinja2_formatter("{% set s = namespace(x=1) %}{% macro m(y) %}{{y}}{% endmacro %}{{s.x}}{{m(2)}}") == "12"
    with pytest.raises(InvalidInputError, match="refuses the template"):
        PromptTemplate.from_template("{{a}", template_format="jinja2")
    with pytest.warns(UserWarning, match=r"lacks \['b'\] and also uses \['a'\]"):
        validate_jinja2("{{a}}", ["b"])


def test_a_missing_jinja2_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named in the exact command."""
    jinja._jinja.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"pip install 'spanloom\[jinja2\]'"):
        PromptTemplate.from_template("{{a}}", template_format="jinja2")


@pytest.mark.parametrize("form", ["mustache", "jinja2"])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_conversations_and_examples_take_every_format(form: Any, mode: str) -> None:
    """Texts, blocks and examples are filled in the format; messages stay as they are."""
    blocks = [{"type": "text", "text": "{{a}}"}, {"image_url": "{{u}}"}, {"type": "x", "y": ["{{a}}"]}]
    prompt = ChatPromptTemplate(
        [("system", "{{a}} {as it is}"), ("human", blocks), HumanMessage("{{a}}"), MessagesPlaceholder("m")],
        template_format=form,
    )
    assert prompt.input_variables == ["a", "m", "u"]
    value = {"a": 1, "u": "U", "m": ["q"]}
    made = prompt.invoke(value) if mode == "sync" else await prompt.ainvoke(value)
    assert [message.content for message in made.to_messages()] == [
        "1 {as it is}",
        [
            {"type": "text", "text": "1"},
            {"type": "image_url", "image_url": {"url": "U"}},
            {"type": "x", "y": ["1"]},
        ],
        "{{a}}",
        "q",
    ]
    example = PromptTemplate.from_template("<{{a}}>", template_format=form)
    shots = FewShotPromptTemplate(
        examples=[{"a": 1}, {"a": 2}], example_prompt=example, suffix="{{q}}", template_format=form
    )
    assert shots.format(q="{{q}}") == "<1>\n\n<2>\n\n{{q}}"
    assert (example + "{{b}}").format(a=1, b=2) == "<1>2"
    assert ChatPromptTemplate.from_template("{{a}}", template_format=form).input_variables == ["a"]
    assert example.partial(a="p").format() == "<p>"


def test_an_unknown_format_is_refused_everywhere() -> None:
    """It is a ValueError that names the format, wherever a format may be said."""
    makers: list[Any] = [
        lambda form: PromptTemplate.from_template("{a}", template_format=form),
        lambda form: PromptTemplate(template="{a}", template_format=form),
        lambda form: ChatPromptTemplate.from_messages(["{a}"], template_format=form),
        lambda form: ChatPromptTemplate.from_template("{a}", template_format=form),
        lambda form: HumanMessagePromptTemplate.from_template([{"text": "{a}"}], template_format=form),
        lambda form: get_template_variables("{a}", form),
        lambda form: FewShotPromptTemplate(
            examples=[], example_prompt=PromptTemplate.from_template("a"), suffix="", template_format=form
        ),
    ]
    for make in makers:
        with pytest.raises(ValueError, match="bogus"):
            make("bogus")


def test_texts_of_different_formats_do_not_add() -> None:
    """Their braces mean different things."""
    with pytest.raises(InvalidInputError, match="different formats"):
        PromptTemplate.from_template("{{a}}", template_format="mustache") + PromptTemplate.from_template("{b}")


def test_variables_may_be_checked_against_a_template() -> None:
    """What the template needs must be there; more may be."""
    check_valid_template("{a}", "f-string", ["a", "b"])
    with pytest.raises(InvalidInputError, match=r"lack \['a'\]"):
        check_valid_template("{a}", "f-string", ["b"])
    with pytest.raises(ValueError, match=r"lack \['b'\]"):
        PromptTemplate(template="{a}{b}", input_variables=["a"], validate_template=True)
    with pytest.raises(ValueError, match="cannot be validated"):
        PromptTemplate(template="{{a}}", template_format="mustache", input_variables=["a"], validate_template=True)
    made = PromptTemplate(template="{a}{b}", input_variables=["a"], partial_variables={"b": 1}, validate_template=True)
    assert made.input_variables == ["a"]
