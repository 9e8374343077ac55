"""Answers for the test servers of this kit, made from the prompt alone: the same prompt always gets the same answer.

A prompt is read as context and question. The question is what follows the last `Question:` (or `Q:`, `问题:`), else
the last line that ends with a question mark, else the last line. What stands before it is context: lines, passages
marked `[name] text`, or documents in their printed form. Lines that end with a colon are headings and instructions,
never context.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["answer_messages", "answer_prompt", "tokens_of"]

_QUESTION_MARK = re.compile(r"(?:^|(?<=\s))(?:question|q|问题|问)\s*[:\uff1a]\s*", re.IGNORECASE)
_ANSWER_CUE = re.compile(r"\s*(?:^|(?<=\s))(?:helpful answer|answer|a|ai|assistant|答)\s*[:\uff1a]\s*$", re.IGNORECASE)
_SPEAKER = re.compile(r"^\s*(?:human|user|system)\s*[:\uff1a]\s*", re.IGNORECASE)
_HEADING = re.compile(r"^\s*(?:context|passages|documents|sources|已知信息)\s*[:\uff1a]\s*", re.IGNORECASE)
_NAMED_PASSAGE = re.compile(r"^\s*\[([^\[\]\n]{1,80})\]\s+(.+)$")
_PRINTED_DOCUMENT = re.compile(r"page_content=(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
_PRINTED_SOURCE = re.compile(r"'(?:source|name|title)': '([^']*)'")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['\u2019][a-z]+)?")
_TOKEN = re.compile(r"\s*[\u3040-\u30ff\u3400-\u9fff]|\s*[^\s\u3040-\u30ff\u3400-\u9fff]+|\s+$")
_COMMON = (
    "a an and are as at be been by can could did do does for from had has have he her his how i in is it its me my of "
    "on or our please she tell that the their them they this to was we were what when where which who whom whose why "
    "will with would you your 的 了 是 在 吗 呢 什 么 我 你"
)
_COMMON_WORDS = frozenset(_COMMON.split())
_SENTENCES_GIVEN = 2


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    source: str | None


def tokens_of(text: str) -> list[str]:
    """Return the text cut into words with the white space before them; joined they are the text again.

    Args:
        text: Any text; every Chinese or Japanese character is a token of its own.
    """
    return _TOKEN.findall(text)


def answer_prompt(prompt: str) -> str:
    """Return the answer to a prompt that may hold a context before its question.

    Args:
        prompt: The whole prompt.
    """
    context, question = _split(prompt)
    return _answer(context, question)


def answer_messages(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the answer to a conversation: its last user message, with system messages as further context.

    Args:
        messages: Messages with `role` and `content`, the content a text or a list of blocks.
    """
    system = "\n".join(_text(m) for m in messages if m.get("role") == "system")
    last = next((_text(m) for m in reversed(messages) if m.get("role") != "system"), "")
    context, question = _split(last)
    return _answer(f"{system}\n{context}", question)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(b.get("text", "")) if isinstance(b, Mapping) else str(b) for b in blocks)


def _split(prompt: str) -> tuple[str, str]:
    text = _ANSWER_CUE.sub("", prompt.rstrip())
    marks = list(_QUESTION_MARK.finditer(text))
    if marks:
        mark = marks[-1]
        question, _, after = text[mark.end() :].partition("\n")
        return f"{text[: mark.start()]}\n{after}", question.strip()
    lines = [line for line in text.splitlines() if line.strip()]
    asked = [at for at, line in enumerate(lines) if line.rstrip().endswith(("?", "\uff1f"))]
    at = asked[-1] if asked else len(lines) - 1
    if at < 0:
        return "", ""
    return "\n".join(lines[:at] + lines[at + 1 :]), _SPEAKER.sub("", lines[at]).strip()


def _answer(context: str, question: str) -> str:
    wanted = _words(question)
    sentences = list(_sentences(context))
    scores = [len(wanted & _words(sentence.text)) for sentence in sentences]
    best = max(scores, default=0)
    if best:
        chosen = [sentence for sentence, score in zip(sentences, scores, strict=True) if score == best]
        return " ".join(_cited(sentence) for sentence in chosen[:_SENTENCES_GIVEN])
    keywords = list(dict.fromkeys(word for word in _listed(question) if word not in _COMMON_WORDS))
    if any(sentence.source for sentence in sentences):
        return f"The context says nothing about: {', '.join(keywords) or question}."
    return f"You asked about: {', '.join(keywords)}." if keywords else f"You said: {question}"


def _sentences(context: str) -> Iterable[_Sentence]:
    source: str | None = None
    for raw in context.splitlines():
        printed = list(_PRINTED_DOCUMENT.finditer(raw))
        if printed:
            yield from _printed_sentences(raw, printed)
            continue
        line = _HEADING.sub("", _SPEAKER.sub("", raw)).strip()
        if not line:
            source = None
        if not line or line.endswith((":", "\uff1a")):
            continue
        if named := _NAMED_PASSAGE.match(line):
            source, line = named[1].strip(), named[2]
        yield from (_Sentence(part.strip(), source) for part in _SENTENCE_END.split(line) if part.strip())


def _printed_sentences(raw: str, printed: Sequence[re.Match[str]]) -> Iterable[_Sentence]:
    for begin, match in zip([0, *(m.end() for m in printed)], printed, strict=False):
        nearest = _PRINTED_SOURCE.findall(raw[begin : match.start()])
        text = (match[1] or match[2] or "").replace("\\n", "\n").replace("\\'", "'")
        for part in _SENTENCE_END.split(text):
            if part.strip():
                yield _Sentence(part.strip(), nearest[-1] if nearest else None)


def _cited(sentence: _Sentence) -> str:
    return f"{sentence.text} [{sentence.source}]" if sentence.source else sentence.text


def _listed(text: str) -> list[str]:
    return [word.lower().removesuffix("'s").removesuffix("\u2019s") for word in _WORD.findall(text)]


def _words(text: str) -> set[str]:
    return {_stem(word) for word in _listed(text) if word not in _COMMON_WORDS}


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            return word.removesuffix(ending)
    return word
