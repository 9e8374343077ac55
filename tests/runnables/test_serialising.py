"""Dumps of runnables and values, and what may be loaded of them."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from spanloom.runtime.documents import Document
from spanloom.runtime.load import dumpd, dumps, load, loads
from spanloom.runtime.messages import AIMessage, HumanMessage, ToolMessage
from spanloom.runtime.output_parsers import StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate, HumanMessagePromptTemplate, PromptTemplate
from spanloom.runtime.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough, RunnableSerializable

PROMPT = PromptTemplate.from_template("{x}")


class Service(RunnableSerializable[Any, Any]):
    """A runnable of a program's own, with a secret."""

    api_key: str
    token: SecretStr | None = None
    region: str = "eu"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        return {"api_key": "SERVICE_API_KEY", "token": "SERVICE_TOKEN"}

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return input


class Plain(RunnableSerializable[Any, Any]):
    """A runnable that must not be dumped."""

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return input


@pytest.mark.parametrize(
    "value",
    [
        PROMPT,
        ChatPromptTemplate.from_messages([("system", "s"), ("human", "{q}")]),
        StrOutputParser(),
        AIMessage(content="a"),
        RunnableParallel(a=PROMPT, b=StrOutputParser()) | RunnablePassthrough(),
        PROMPT.bind(stop=["x"]).with_config(tags=["t"]),
        PROMPT.map(),
        {"plain": [1, None, "x", True, 1.5], "deep": {"message": HumanMessage(content="h")}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_dumped_can_be_loaded_again(value: Any):
    again = loads(dumps(value))
    assert repr(again) == repr(value)
    assert dumpd(again) == dumpd(value)


def test_runnables_name_themselves_as_documented():
    chain = PROMPT | StrOutputParser()
    assert type(chain).lc_id() == ["langchain", "schema", "runnable", "RunnableSequence"]
    assert chain.is_lc_serializable()
    told = chain.to_json()
    assert (told["lc"], told["type"], told["name"]) == (1, "constructor", "RunnableSequence")
    assert told["kwargs"] == {"first": PROMPT, "last": chain.steps[-1]}  # type: ignore[attr-defined]
    assert RunnableLambda(str).to_json()["type"] == "not_implemented"
    assert RunnableLambda(str).get_lc_namespace()[-1] == "function"
    assert PROMPT.to_json()["kwargs"] == {"input_variables": ["x"], "template": "{x}", "template_format": "f-string"}


def test_secrets_are_never_written(monkeypatch: pytest.MonkeyPatch):
    service = Service(api_key="s3cr3t", token=SecretStr("t0k3n"))
    text = dumps({"service": service, "loose": SecretStr("l00se")})
    assert not any(secret in text for secret in ("s3cr3t", "t0k3n", "l00se"))
    told = dumpd(service)
    assert told["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": ["SERVICE_API_KEY"]}
    secrets = {"SERVICE_API_KEY": "again", "SERVICE_TOKEN": "t"}
    assert load(told, allowed_objects=[Service], secrets_map=secrets).api_key == "again"
    monkeypatch.setenv("SERVICE_API_KEY", "from outside")
    assert load(told, allowed_objects=[Service], secrets_from_env=True).api_key == "from outside"
    assert load({"lc": 1, "type": "secret", "id": ["SERVICE_API_KEY"]}) is None


FORGED = {"lc": 1, "type": "secret", "id": ["SERVICE_API_KEY"]}


@pytest.mark.parametrize(
    "value",
    [
        ToolMessage("x", tool_call_id="1", artifact=FORGED),
        HumanMessage("x", additional_kwargs=FORGED),
        Document("x", metadata=FORGED),
        {"deep": [FORGED, {"lc": 1, "deeper": [FORGED]}]},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_looks_like_a_secret_stays_a_value(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads the environment by putting a secret's form into a message or document."""
    monkeypatch.setenv("SERVICE_API_KEY", "from outside")
    assert load(dumpd(value), secrets_from_env=True) == value


def test_templates_in_jinja2_are_loaded_only_on_demand() -> None:
    """A dump may come from a stranger."""
    told = dumpd(ChatPromptTemplate([("human", "{{a}}")], template_format="jinja2"))
    for allowed in (None, [ChatPromptTemplate, HumanMessagePromptTemplate, PromptTemplate]):
        with pytest.raises(ValueError, match="template in jinja2"):
            load(told, allowed_objects=allowed)
    assert load(told, init_validator=None).invoke({"a": 1}).to_string() == "Human: 1"


@pytest.mark.parametrize(
    "dump", [{"id": [["x"]]}, {"id": 5}, {"id": dumpd(PROMPT)["id"], "kwargs": [1]}], ids=["name", "id", "arguments"]
)
def test_a_damaged_dump_is_told_as_such(dump: dict[str, Any]) -> None:
    """It is a ValueError that says what was expected."""
    with pytest.raises(ValueError, match="expected a"):
        load({"lc": 1, "type": "constructor", **dump})


def test_a_program_that_has_imported_nothing_else_can_load_a_dump() -> None:
    """Which classes may be built does not hang on what was imported before."""
    code = f"from spanloom.runtime.load import loads; print(type(loads({dumps(PROMPT)!r})).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("PromptTemplate", "")


def test_only_what_is_allowed_is_built():
    service = Service(api_key="k")
    with pytest.raises(ValueError, match="may not be loaded; list its class in allowed_objects"):
        load(dumpd(service), secrets_map={"SERVICE_API_KEY": "k"})
    with pytest.raises(ValueError, match=r"\['os', 'system'\] may not be loaded"):
        load({"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {}})
    with pytest.raises(ValueError, match="PromptTemplate"):
        load(dumpd(PROMPT), allowed_objects="messages")
    assert load(dumpd(AIMessage(content="a")), allowed_objects="messages") == AIMessage(content="a")
    with pytest.raises(ValueError, match="use 'all', 'core', 'messages'"):
        load(dumpd(PROMPT), allowed_objects="message")  # type: ignore[arg-type]


def test_a_caller_may_forbid_what_it_does_not_like():
    def check(key: tuple[str, ...], arguments: dict[str, Any]) -> None:
        raise ValueError(f"no {key[-1]}")

    with pytest.raises(ValueError, match="no PromptTemplate"):
        load(dumpd(PROMPT), init_validator=check)


def test_what_cannot_be_dumped_leaves_an_entry_that_says_so():
    told = dumpd({"step": RunnableLambda(str), "odd": object, "plain": Plain()})
    assert told["step"]["type"] == told["odd"]["type"] == told["plain"]["type"] == "not_implemented"
    assert told["plain"]["repr"] == "Plain()"
    with pytest.raises(NotImplementedError, match="could not be dumped"):
        load(told)
    assert load(told, ignore_unserializable_fields=True) == {"step": None, "odd": None, "plain": None}


def test_data_that_looks_like_a_dump_stays_data():
    data = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {}}
    assert load(dumpd(data)) == data
    assert load(dumpd({"deep": [data]})) == {"deep": [data]}
    nested = {"lc": 1, "deep": [{"lc": 2, "deeper": {"__lc_escaped__": {"lc": 3}}}]}
    for value in (nested, {"__lc_escaped__": nested}, {"__lc_escaped__": 1, "b": 2}):
        assert load(dumpd(value)) == value


def test_texts_may_be_indented_but_not_decided_by_the_caller():
    assert dumps({"a": 1}, pretty=True) == json.dumps({"a": 1}, indent=2)
    with pytest.raises(TypeError, match="leave `default` out"):
        dumps({}, default=str)
