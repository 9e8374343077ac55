"""Each rule about words, examples and rows finds an offender planted for it, and lets its innocent twin pass."""

from pathlib import Path

import pytest

from . import examples, rows, words
from .holding import hold
from .tree import Offender, planted, source

WIRE = {"tracing/names.py": 'RUN_ID = "spanloom.run.id"\n', "runtime/models/llms.py": ""}


@pytest.mark.parametrize(
    "text",
    [
        'x = span["spanloom.run.id"]\n',
        'x = f"gen_ai.{name}"\n',
        'x = "spanloom." + name\n',
        'x = name.startswith("gen_ai.")\n',
        'def f(name="gen_ai.operation.name"): ...\n',
        'x = "spanloom.runtime.models.none"\n',
    ],
)
def test_a_name_on_the_wire_that_is_spelled_out(text: str):
    assert [o.line for o in words.wire_names(planted({**WIRE, "runtime/a.py": text}))] == [1]


@pytest.mark.parametrize(
    "text",
    [
        '"""spanloom.run.id is told here."""\n',
        'X = 1\n"""spanloom.x: a constant is told below it."""\n',
        'import_module("spanloom.runtime.models.llms")\n',
        'log = logging.getLogger("spanloom.exporters")\n',
        'log = structlog.get_logger(f"spanloom.{part}")\n',
        'ours = module.startswith("spanloom.")\n',
        'raise E("an attribute such as spanloom.run.id")\n',
    ],
)
def test_names_of_modules_and_loggers_and_prose_pass(text: str):
    assert list(words.wire_names(planted({**WIRE, "runtime/a.py": text}))) == []


@pytest.mark.parametrize(
    "parts",
    [
        ("see /wor", "k/main/x"),
        ("in /roo", "t/.cache"),
        ("in /hom", "e/somebody/x"),
        ("at /tm", "p/run-1/x"),
        ("C:\\User", "s\\x"),
        ("https://pypi.or", "g/simple"),
        ("https://registry.npmj", "s.org/x"),
        ("proxy.golan", "g.org"),
        ("pip install --index-ur", "l x"),
        ("see issue ", "#12"),
        ("(PR ", "#9260)"),
    ],
)
def test_a_text_that_names_a_machine_a_registry_or_an_issue(parts: tuple[str, str]):
    assert [(o.path, o.line) for o in words.places({"README.md": f"\n{''.join(parts)}\n"})] == [("README.md", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "the network/work/item",
        "/etc/grafana/boards",
        "store:/home/me/spans.db",
        "src/home/x/y",
        "colour #123456",
        "C#12",
    ],
)
def test_a_text_that_names_none_passes(text: str):
    assert list(words.places({"README.md": text})) == []


DOCUMENT = """
```sh
exit 1
```

```python
x = 1
```

Text.

   ~~~python
   async def f():
       return x + 1
   y = await f()
   ~~~

<!-- no-run: needs keys -->

```python title="never"
raise OSError
```

```python
assert __name__ == "__main__"
assert y == 2, y
%s
```
"""


def test_the_python_blocks_of_a_document_share_a_namespace_in_order():
    found = list(examples.blocks("docs/a.md", DOCUMENT % "x"))
    assert [(block.line, block.no_run) for block in found] == [(7, None), (13, None), (21, "needs keys"), (25, None)]
    assert list(examples.run_blocks(found)) == []


@pytest.mark.parametrize(
    ("code", "line", "what"),
    [
        ("assert x == 2, 'one'", 27, "AssertionError: one"),
        ("1 +", 27, "SyntaxError"),
        ("raise SystemExit(1)", 27, "SystemExit"),
        ("import nothing_of_this_name", 27, "ModuleNotFoundError"),
    ],
)
def test_a_python_block_that_fails(code: str, line: int, what: str):
    (offender,) = examples.run_blocks(list(examples.blocks("docs/a.md", DOCUMENT % code)))
    assert (offender.path, offender.line) == ("docs/a.md", line)
    assert offender.what.startswith(what)


def test_a_block_that_is_not_run_needs_a_reason():
    text = "<!-- no-run: -->\n```python\nraise OSError\n```\n"
    (offender,) = examples.run_blocks(list(examples.blocks("docs/a.md", text)))
    assert "no-run needs a reason" in offender.what


def test_a_mark_further_up_does_not_reach_the_block():
    text = "<!-- no-run: old -->\n\nText.\n\n```python\nraise OSError\n```\n"
    (block,) = examples.blocks("docs/a.md", text)
    assert block.no_run is None


def test_a_docstring_example_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = '"""Say.\n\n>>> 1 + 1\n%s\n"""\n'
    for name, answer in (("planted_right", 2), ("planted_wrong", 3)):
        (tmp_path / f"{name}.py").write_text(text % answer)
    monkeypatch.syspath_prepend(tmp_path)
    right, wrong = (source(f"{n}.py", "") for n in ("planted_right", "planted_wrong"))
    assert list(examples.run_docstrings(type(right)("p.py", "planted_right", "", right.tree))) == []
    (offender,) = examples.run_docstrings(type(wrong)("p.py", "planted_wrong", "", wrong.tree))
    assert "Expected:\n    3\nGot:\n    2" in offender.what


def test_a_module_that_cannot_be_imported():
    missing = source("runtime/a.py", "")
    (offender,) = examples.run_docstrings(type(missing)("runtime/a.py", "spanloom.no_such_room", "", missing.tree))
    assert "cannot be imported: ModuleNotFoundError" in offender.what


MARKED = """
import pytest
pytestmark = [pytest.mark.row("S.01")]
@pytest.mark.row("S.02", "S.03")
class TestA:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.row("S.04"))])
    @pytest.mark.row(%s)
    def test_a(self, x): ...
"""


def test_rows_are_read_from_every_kind_of_mark():
    assert rows.proved(planted({"tests/a.py": MARKED % '"S.05"'})) == {"S.01", "S.02", "S.03", "S.04", "S.05"}


@pytest.mark.parametrize("given", ['"S.99"', "ROW", ""])
def test_a_row_that_the_checklist_does_not_have(given: str):
    tests = planted({"tests/a.py": MARKED % given})
    assert [(o.path, o.line) for o in rows.unknown_rows(tests, rows.all_rows())] == [("tests/a.py", 7)]


def test_the_summary_counts_rows_and_names_those_without_a_test():
    assert rows.summary(["S.02", "S.03", "X.01"], 5) == [
        "checklist: 2 of 5 rows have a test",
        "  S: without a test 02 03",
        "  X: without a test 01",
    ]


def test_a_broken_rule_names_itself_and_every_offender():
    offenders = [Offender("b.py", 2, "is bad", "b"), Offender("a.py", 1, "is worse", "a")]
    with pytest.raises(pytest.fail.Exception) as failed:
        hold("be good", offenders, {})
    assert str(failed.value) == "be good:\na.py:1: is worse   [a]\nb.py:2: is bad   [b]"


def test_an_exception_excuses_its_offender_and_must_not_go_stale():
    exceptions = {"be good": {"a": "it is documented so"}}
    hold("be good", [Offender("a.py", 1, "is bad", "a")], exceptions)
    hold("be kind", [], exceptions)
    with pytest.raises(pytest.fail.Exception, match="the exception for 'a' excuses nobody"):
        hold("be good", [], exceptions)
