"""Prompts of images, mappings and answers in a form; prompts made of messages; prompts in files."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from spanloom.runtime.documents import Document
from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from spanloom.runtime.prompt_values import ImagePromptValue
from spanloom.runtime.prompts import (
    ChatPromptTemplate,
    DictPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    FewShotPromptWithTemplates,
    HumanMessagePromptTemplate,
    ImagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    StructuredPrompt,
    SystemMessagePromptTemplate,
    aformat_document,
    load_prompt,
)
from spanloom.runtime.prompts.loading import load_prompt_from_config

WORD = PromptTemplate.from_template("<{a}>")


def texts(made: Any) -> list[tuple[str, Any]]:
    """Type and content of each message."""
    return [(message.type, message.content) for message in made]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_image_prompt_gives_its_address(mode: str) -> None:
    """Fields of address and detail are filled; what is given as url or detail replaces the template's."""
    prompt = ImagePromptTemplate(template={"url": "https://{host}/i.png", "detail": "low"})
    assert prompt.input_variables == ["host"]
    made = prompt.invoke({"host": "h"}) if mode == "sync" else await prompt.ainvoke({"host": "h"})
    assert made == ImagePromptValue(image_url={"url": "https://h/i.png", "detail": "low"})
    assert prompt.format(host="h", detail="high") == {"url": "https://h/i.png", "detail": "high"}
    assert ImagePromptTemplate().format(url="u") == {"url": "u"}


def test_an_image_without_an_address_is_refused() -> None:
    """Files are never read, and names that `format` needs itself are no fields."""
    with pytest.raises(InvalidInputError, match="give its 'url'"):
        ImagePromptTemplate(template={"path": "{p}"}).format(p="/etc/passwd")
    with pytest.raises(InvalidInputError, match="has no url"):
        ImagePromptTemplate(template={"url": "{u}"}).format(u="")
    with pytest.raises(ValueError, match=r"\['detail', 'url'\]"):
        ImagePromptTemplate(template={"url": "{url}{detail}"})


BLOCKS: list[tuple[Any, Any]] = [
    ("{u}", {"type": "text", "text": "U"}),
    ({"text": "{u}"}, {"type": "text", "text": "U"}),
    ({"type": "image_url", "image_url": "x/{u}"}, {"type": "image_url", "image_url": {"url": "x/U"}}),
    (
        {"type": "image_url", "image_url": {"url": "{u}", "detail": "{d}"}},
        {"type": "image_url", "image_url": {"url": "U", "detail": "low"}},
    ),
    (
        {"type": "image", "source_type": "base64", "data": "{u}", "mime_type": "image/{d}"},
        {"type": "image", "source_type": "base64", "data": "U", "mime_type": "image/low"},
    ),
    (
        {"type": "text", "text": "{u}", "cache_control": {"type": "{d}"}},
        {"type": "text", "text": "U", "cache_control": {"type": "low"}},
    ),
    (
        {"cachePoint": {"type": "default"}, "n": [1, None, "{u}"]},
        {"cachePoint": {"type": "default"}, "n": [1, None, "U"]},
    ),
    (PromptTemplate.from_template("{u}"), {"type": "text", "text": "U"}),
]


@pytest.mark.parametrize(("template", "expected"), BLOCKS)
@pytest.mark.parametrize("kind", [HumanMessagePromptTemplate, SystemMessagePromptTemplate])
def test_every_text_of_a_block_may_hold_fields(template: Any, expected: Any, kind: Any) -> None:
    """Texts, images and any other mapping, however deep."""
    assert kind.from_template([template]).format(u="U", d="low").content == [expected]


@pytest.mark.parametrize("template", [[5], 5, [{"image_url": 5}], [{"text": "{"}], [{"x": ["{a.b}"]}]])
def test_what_is_no_block_is_refused(template: Any) -> None:
    """It is told when the template is made."""
    with pytest.raises(ValueError, match="5|malformed|reaches into"):
        HumanMessagePromptTemplate.from_template(template)


def test_a_template_of_blocks_shows_itself() -> None:
    """Images and mappings are shown as they are."""
    shown = ChatPromptTemplate([("human", ["Hi {a}", {"image_url": "{b}"}, {"x": "{c}"}])]).pretty_repr()
    assert shown.split("\n\n")[1:] == ["Hi {a}", "{'url': '{b}'}", "{'x': '{c}'}"]
    coloured = ChatPromptTemplate(["{a}", MessagesPlaceholder("m")]).pretty_repr(html=True)
    assert coloured.count("\033[33;1m\033[1;3m{") == 2


async def test_a_mapping_prompt_is_a_step() -> None:
    """It fills texts however deep, never keys, and shows as a prompt in the records."""
    prompt = DictPromptTemplate(template={"{k}": "{c}", "l": ["{d}", {"m": 1}]})
    assert prompt.input_variables == ["c", "d"]
    value = {"c": 1, "d": 2}
    assert prompt.invoke(value) == await prompt.ainvoke(value) == {"{k}": "1", "l": ["2", {"m": 1}]}
    assert prompt.get_input_schema().model_json_schema()["required"] == ["c", "d"]
    records = [record["event"] async for record in prompt.astream_events(value, version="v2")]
    assert records == ["on_prompt_start", "on_prompt_end"]
    with pytest.raises(KeyError):
        prompt.invoke({"c": 1})


class Answer(BaseModel):
    """An answer in a form."""

    a: int


class Forming(FakeListChatModel):
    """Answers with the form that it was asked for."""

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return lambda value: (schema, kwargs, value.to_string())


def test_a_structured_prompt_asks_the_model_for_its_form() -> None:
    """Piping it into a model passes schema and arguments; what follows the model is kept."""
    prompt = StructuredPrompt([("human", "{x}")], Answer, method="json_mode", structured_output_kwargs={"strict": True})
    expected = (Answer, {"method": "json_mode", "strict": True}, "Human: hi")
    model = Forming(responses=["x"])
    assert (prompt | model).invoke({"x": "hi"}) == expected
    assert prompt.pipe(model, lambda answer: answer[2]).invoke({"x": "hi"}) == "Human: hi"
    assert (prompt.partial(x="hi") | model).invoke({}) == expected
    by_mapping = StructuredPrompt.from_messages_and_schema([("human", "{x}")], {"title": "T"})
    assert (by_mapping.schema_, StructuredPrompt(["x"], schema={"title": "T"}).schema_) == ({"title": "T"},) * 2
    with pytest.raises(NotImplementedError, match="piped into a language model"):
        prompt | str
    with pytest.raises(InvalidInputError, match="schema is None"):
        StructuredPrompt(["x"])


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_prefix_and_suffix_may_be_prompts(mode: str) -> None:
    """Their variables are the prompt's, and each fills its own text."""
    prompt = FewShotPromptWithTemplates(
        examples=[{"a": 1}, {"a": 2}],
        example_prompt=WORD,
        prefix=PromptTemplate.from_template("{{p}}", template_format="mustache"),
        suffix=PromptTemplate.from_template("{q}"),
    )
    assert prompt.input_variables == ["p", "q"]
    value = {"p": "P", "q": "{p}"}
    made = prompt.invoke(value) if mode == "sync" else await prompt.ainvoke(value)
    assert made.to_string() == "P\n\n<1>\n\n<2>\n\n{p}"
    with pytest.raises(ValueError, match="either examples or an example_selector"):
        FewShotPromptWithTemplates(example_prompt=WORD, suffix=WORD)


def test_messages_add_to_a_conversation() -> None:
    """A message and a message, text, list or prompt make a chat prompt; braces in the message are text."""
    message = AIMessage("{x}")
    prompt = ChatPromptTemplate(["{q}"])
    for other, expected in [
        (HumanMessage("h"), [("human", "h")]),
        ("hi {q}", [("human", "hi 1")]),
        ([("system", "{q}"), AIMessage("a")], [("system", "1"), ("ai", "a")]),
        (prompt, [("human", "1")]),
        (HumanMessagePromptTemplate.from_template("{q}"), [("human", "1")]),
        (MessagesPlaceholder("m", optional=True), []),
    ]:
        made = message + other
        assert isinstance(made, ChatPromptTemplate)
        assert texts(made.format_messages(q=1)) == [("ai", "{x}"), *expected]
    assert texts((prompt + "a" + AIMessage("b") + [("ai", "{q}")]).format_messages(q=1)) == [
        ("human", "1"),
        ("human", "a"),
        ("ai", "b"),
        ("ai", "1"),
    ]
    for left, right in [(message, 5), (AIMessageChunk("x"), "a"), (AIMessageChunk("x"), prompt)]:
        with pytest.raises(TypeError):
            left + right


def test_a_class_may_stand_for_its_role() -> None:
    """A class of messages, or of message templates."""
    prompt = ChatPromptTemplate([(SystemMessage, "{a}"), (HumanMessagePromptTemplate, [{"text": "{a}"}])])
    assert texts(prompt.format_messages(a=1)) == [("system", "1"), ("human", [{"type": "text", "text": "1"}])]
    schema = ChatPromptTemplate(["{a}", ("placeholder", "{m}")]).get_input_schema().model_json_schema()
    assert schema["properties"]["m"]["type"] == "array"


async def test_a_document_is_formatted_on_an_event_loop() -> None:
    """As it is off one."""
    assert await aformat_document(Document("x"), PromptTemplate.from_template("<{page_content}>")) == "<x>"


@pytest.mark.parametrize("ending", [".json", ".yaml", ".yml"])
def test_a_saved_prompt_is_loaded_equal(tmp_path: Path, ending: str) -> None:
    """Text prompts and prompts with examples, as JSON or YAML; the folder is made."""
    prompts: list[Any] = [
        PromptTemplate.from_template("{a}\n  {b}: é"),
        PromptTemplate.from_template("{{a}}", template_format="mustache", tags=["t"], metadata={"m": 1}),
        FewShotPromptTemplate(examples=[{"a": "1"}], example_prompt=WORD, prefix="p {x}", suffix="{q}"),
        FewShotPromptWithTemplates(examples=[{"a": "1"}], example_prompt=WORD, prefix=WORD, suffix=WORD),
    ]
    file = tmp_path / "new" / f"prompt{ending}"
    for prompt in prompts:
        prompt.save(file)
        assert load_prompt(file) == prompt
    assert "_type" in file.read_text()


def test_what_has_no_form_in_files_is_refused(tmp_path: Path) -> None:
    """Functions, conversations, selectors and other endings."""
    with pytest.raises(InvalidInputError, match=r"partial variables.*\['a'\]"):
        WORD.partial(a=lambda: 1).save(tmp_path / "p.json")
    with pytest.raises(InvalidInputError, match="must be json or yaml"):
        WORD.save(tmp_path / "p.txt")
    examples = FewShotChatMessagePromptTemplate(
        examples=[], example_prompt=HumanMessagePromptTemplate.from_template("{a}")
    )
    for prompt in (ChatPromptTemplate(["x"]), examples):
        with pytest.raises(NotImplementedError, match="cannot be saved"):
            prompt.save(tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_may_name_others_below_it_only(tmp_path: Path) -> None:
    """Absolute names and ways up are refused unless allowed, jinja2 and templates that are no .txt always."""
    (tmp_path / "outside.txt").write_text("OUT")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "t.txt").write_text("hello {a}")
    (folder / "e.json").write_text(json.dumps([{"a": 5}]))
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")

    def load(allow: bool = False, **config: Any) -> Any:
        (folder / "x.json").write_text(json.dumps(config))
        return load_prompt(folder / "x.json", allow_dangerous_paths=allow)

    assert load(template_path="t.txt").format(a=1) == "hello 1"
    shots = load(
        _type="few_shot", examples="e.json", suffix="{q}", example_prompt={"_type": "prompt", "template": "{a}"}
    )
    assert shots.format(q=1) == "5\n\n1"
    for name in ("../outside.txt", str(tmp_path / "outside.txt"), "link.txt"):
        with pytest.raises(InvalidInputError, match="leads out of its folder"):
            load(template_path=name)
        assert load(allow=True, template_path=name).template == "OUT"
    with pytest.raises(InvalidInputError, match="jinja2"):
        load(template="{{a}}", template_format="jinja2")
    (folder / ".env").write_text("KEY=secret")
    with pytest.raises(InvalidInputError, match=r"must end in \.txt"):
        load(template_path=".env", allow=True)
    with pytest.raises(InvalidInputError, match="type 'zzz'"):
        load_prompt_from_config({"_type": "zzz"})
    (folder / "bad.json").write_text("{")
    (folder / "bad.yaml").write_text("a: !!python/object:os.system {}")
    for name in ("bad.json", "bad.yaml"):
        with pytest.raises(InvalidInputError, match="holds no"):
            load_prompt(folder / name)


def test_a_prompt_is_made_of_examples_and_files(tmp_path: Path) -> None:
    """Prefix, examples and suffix may all hold fields."""
    made = PromptTemplate.from_examples(["a {x}", "b"], "suf {y}", ["y"], prefix="pre")
    assert (made.input_variables, made.template) == (["x", "y"], "pre\n\na {x}\n\nb\n\nsuf {y}")
    (tmp_path / "t.txt").write_text("hello {a}")
    assert HumanMessagePromptTemplate.from_template_file(tmp_path / "t.txt", ["a"]).format(a=1).content == "hello 1"
