"""Conversations written as prompts, and the repair of prompts for Claude 2."""

import warnings

import pytest

from spanloom.runtime.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from spanloom.runtime.models.bedrock.invoke import Ask, family_of, templates

TALK = [SystemMessage("S"), HumanMessage("a"), AIMessage("b"), HumanMessage("c {d}")]


def test_llama_3_has_headers_with_two_line_ends_and_nothing_between_turns() -> None:
    """As its model card writes it."""
    assert templates.llama(TALK, 3) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nc {d}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_llama_4_has_shorter_marks() -> None:
    """As its model card writes it."""
    assert templates.llama(TALK[:2], 4) == (
        "<|begin_of_text|><|header_start|>system<|header_end|>\n\nS<|eot|>"
        "<|header_start|>user<|header_end|>\n\na<|eot|><|header_start|>assistant<|header_end|>\n\n"
    )


def test_llama_2_has_the_system_in_the_first_instruction() -> None:
    """As its model card writes it."""
    assert templates.llama(TALK, 2) == ("<s>[INST] <<SYS>>\nS\n<</SYS>>\n\na [/INST] b </s><s>[INST] c {d} [/INST]")
    assert templates.llama([SystemMessage("S")], 2) == "<s>[INST] <<SYS>>\nS\n<</SYS>> [/INST]"


def test_mistral_puts_the_system_before_the_first_instruction_and_joins_turns() -> None:
    """Two messages of one speaker are one turn."""
    assert templates.mistral([*TALK, HumanMessage("e")]) == ("<s>[INST] S\n\na [/INST] b</s>[INST] c {d}\n\ne [/INST]")


def test_deepseek_has_bars_of_its_own() -> None:
    """They are not the ASCII ones."""
    assert templates.deepseek(TALK) == (
        "<｜begin▁of▁sentence｜>S<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜User｜>c {d}<｜Assistant｜>"
    )


def test_titan_command_and_claude_name_the_speakers() -> None:
    """A lone question to a completing model stands as it is."""
    assert templates.titan(TALK) == "\n\nS\n\nUser: a\n\nBot: b\n\nUser: c {d}\n\nBot:"
    assert templates.command(TALK) == "S\n\nUser: a\n\nChatbot: b\n\nUser: c {d}\n\nChatbot:"
    assert templates.command([HumanMessage("a")]) == "a"
    assert templates.human_assistant(TALK) == "\n\nS\n\nHuman: a\n\nAssistant: b\n\nHuman: c {d}\n\nAssistant:"
    assert templates.human_assistant([HumanMessage("a"), AIMessage("As ")]) == "\n\nHuman: a\n\nAssistant: As"


def test_tools_answer_as_the_user_and_other_roles_keep_their_name() -> None:
    """Models that take no tools still read what one said."""
    assert templates.turns([ToolMessage("2", tool_call_id="t"), ChatMessage("x", role="critic")]) == [
        ("user", "2"),
        ("critic", "x"),
    ]


@pytest.mark.parametrize(
    ("given", "repaired"),
    [
        ("Hi", "\n\nHuman: Hi\n\nAssistant:"),
        ("Human: Hi", "\n\nHuman: Hi\n\nAssistant:"),
        ("\n\nHuman: Hi\n\nAssistant:", "\n\nHuman: Hi\n\nAssistant:"),
        ("\n\nHuman: Hi\nAssistant: ", "\n\nHuman: Hi\n\nAssistant:"),
        ("Be brief.\n\nHuman: Hi", "Be brief.\n\nHuman: Hi\n\nAssistant:"),
        ("\n\nHuman: Hi\n\nAssistant: As", "\n\nHuman: Hi\n\nAssistant: As"),
        ("", "\n\nHuman:\n\nAssistant:"),
    ],
)
def test_a_prompt_for_claude_2_gets_its_marks(given: str, repaired: str) -> None:
    """What has them stays as it is, and nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert templates.repaired(given) == repaired


def test_speakers_that_do_not_take_turns_are_warned_of() -> None:
    """The prompt is sent all the same."""
    with pytest.warns(UserWarning, match="take turns"):
        assert "\n\nHuman: b" in templates.repaired("\n\nHuman: a\n\nHuman: b\n\nAssistant:")


def test_images_for_llama_stand_beside_the_prompt() -> None:
    """The last turn of the user names them."""
    model = "meta.llama3-2-11b-instruct-v1:0"
    message = HumanMessage(
        [{"type": "image", "base64": "QUJD", "mime_type": "image/png"}, {"type": "text", "text": "?"}]
    )
    body = family_of(model).build(Ask(model_id=model, messages=[message]))
    assert body["images"] == ["QUJD"]
    assert "<|image|>?<|eot_id|>" in body["prompt"]
