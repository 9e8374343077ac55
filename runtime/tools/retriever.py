"""Retrievers as tools: a query goes in, the texts of the documents come out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field

from ...tracing.callbacks.manager import Callbacks
from ..documents import Document
from ..prompts.base import BasePromptTemplate, format_document
from ..prompts.template import PromptTemplate
from ..retrievers import BaseRetriever
from .structured import StructuredTool

__all__ = ["RetrieverInput", "create_retriever_tool"]


class RetrieverInput(BaseModel):
    """The argument of a tool that retrieves.

    Args:
        query: What to look for.
    """

    query: str = Field(description="query to look up in retriever")


def create_retriever_tool(
    retriever: BaseRetriever,
    name: str,
    description: str,
    *,
    document_prompt: BasePromptTemplate | None = None,
    document_separator: str = "\n\n",
    response_format: Literal["content", "content_and_artifact"] = "content",
) -> StructuredTool:
    """Return a tool that retrieves documents; its run is the retriever's parent.

    Args:
        retriever: The retriever.
        name: What models call the tool.
        description: What models are told about it.
        document_prompt: Writes a document; its text alone when not given.
        document_separator: Stands between documents.
        response_format: Whether to return the text alone, or the documents as artifact besides.
    """
    prompt = document_prompt or PromptTemplate.from_template("{page_content}")

    def answer(documents: Iterable[Document]) -> Any:
        found = list(documents)
        content = document_separator.join(format_document(document, prompt) for document in found)
        return (content, found) if response_format == "content_and_artifact" else content

    def retrieve(query: str, callbacks: Callbacks = None) -> Any:
        return answer(retriever.invoke(query, {"callbacks": callbacks}))

    async def aretrieve(query: str, callbacks: Callbacks = None) -> Any:
        return answer(await retriever.ainvoke(query, {"callbacks": callbacks}))

    return StructuredTool(
        name=name,
        description=description,
        func=retrieve,
        coroutine=aretrieve,
        args_schema=RetrieverInput,
        response_format=response_format,
    )
