"""The chain of the demonstration: a question about text files, answered by a model.

retrieve passages | in parallel: context, key terms (a tool), the question | prompt | model | parser
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ..runtime.documents import Document
from ..runtime.output_parsers import StrOutputParser
from ..runtime.prompts import PromptTemplate
from ..runtime.ranking import words_of
from ..runtime.retrievers import Bm25Retriever
from ..runtime.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough
from ..runtime.tools import tool
from ..tracing import adispatch_custom_event

__all__ = ["DocsError", "build_chain", "default_docs", "key_terms", "read_passages", "tell_found"]

_SUFFIXES = {".md", ".txt", ".rst"}
_PROMPT = """Answer the question from the passages alone; its key terms are {terms}:

Context:
{context}

Question: {question}
"""


class DocsError(ValueError):
    """The files to ask about cannot be read."""


@tool
def key_terms(question: str) -> str:
    """Return the words of a question that carry meaning, the longest first."""
    words = dict.fromkeys(word for word in words_of(question) if len(word) > 3)
    return ", ".join(sorted(words, key=lambda word: (-len(word), word))[:5])


async def tell_found(documents: list[Document]) -> str:
    """Dispatch how many passages were found, and return them as text."""
    await adispatch_custom_event("passages_found", {"count": len(documents)})
    return "\n".join(f"[{document.metadata['source']}] {document.page_content}" for document in documents)


def build_chain(passages: Sequence[Document], model: Runnable[Any, Any]) -> Runnable[str, str]:
    """Return the chain that answers a question from the passages.

    Args:
        passages: What may be quoted.
        model: Answers a prompt.
    """
    retriever = Bm25Retriever.from_documents(passages, k=4).with_config(run_name="search")
    prepare: Runnable[Any, Any] = RunnableParallel(
        context=retriever | RunnableLambda(tell_found, name="tell_found"),
        terms=key_terms,
        question=RunnablePassthrough(),
    ).with_config(run_name="prepare", tags=["preparation"])
    answer: Runnable[Any, str] = PromptTemplate.from_template(_PROMPT) | model | StrOutputParser()
    chain: Runnable[str, str] = prepare | answer.with_config(run_name="answer", tags=["answering"])
    return chain.with_config(run_name="ask", tags=["demo"], metadata={"passages": len(passages)})


def default_docs() -> list[Path]:
    """Return the project's own README and docs, or nothing when it is installed without them."""
    root = Path(__file__).resolve().parents[3]
    found = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    return [path for path in found if path.is_file()] if (root / "pyproject.toml").is_file() else []


def read_passages(paths: Iterable[Path]) -> list[Document]:
    """Return the paragraphs of text files, each with the name of its file as `source`.

    Args:
        paths: Files, or folders whose .md, .txt and .rst files are read. None means the project's own description.

    Raises:
        DocsError: If a path is missing, cannot be read as text, or there is no text at all.
    """
    texts = [(path.name, _text(path)) for given in paths for path in _files(given)]
    if not texts:
        texts = [("README", str(metadata.metadata("spanloom").json.get("description", "")))]
    passages = [
        Document(page_content=" ".join(paragraph.split()), metadata={"source": name})
        for name, text in texts
        for paragraph in text.split("\n\n")
        if len(paragraph.split()) > 4 and not paragraph.lstrip().startswith(("```", "|", "    "))
    ]
    if not passages:
        raise DocsError("--docs holds no text to answer from; give files with at least one paragraph.")
    return passages


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    return [path]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise DocsError(f"--docs {path}: {exc.strerror or exc}; give text files or a folder of them.") from exc
    except UnicodeDecodeError as exc:
        raise DocsError(f"--docs {path} is not UTF-8 text; give text files or a folder of them.") from exc
