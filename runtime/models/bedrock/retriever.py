"""The retriever of Amazon Bedrock Knowledge Bases.

A result becomes a document: its text the content, all else its metadata, where `type` is the content's kind,
`source_metadata` what the knowledge base keeps of the source, and `score` 0 where none was told. Rows of a database are
JSON, pictures a data URI, sound its transcription, films their summary. Results below `min_score_confidence` are left
out after the service has counted them.

An intervention of a guardrail is a notice; the service answers with what it lets pass, perhaps nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr

from ....tracing import names
from ....tracing.callbacks.run_managers import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from ....tracing.lineage import SpanFacts
from ...documents import Document
from ...exceptions import ModelError
from ...language_models.notices import notice, tell_notices
from ...retrievers import BaseRetriever
from ...runnables.io import Io
from .calls import Call
from .connection import BedrockConnection
from .guardrails import GuardrailSettings, interventions_from_retrieve
from .retrieval_config import RetrievalConfig

__all__ = ["AmazonKnowledgeBasesRetriever"]

_SERVICE: Final = "bedrock-agent-runtime"


class AmazonKnowledgeBasesRetriever(BedrockConnection, BaseRetriever):
    """Finds documents in a knowledge base.

    Args:
        knowledge_base_id: The knowledge base.
        retrieval_config: How to search; the service's defaults when not given.
        guardrail_config: The guardrail that looks at question and results: an id and a version. Also `guardrails`.
        min_score_confidence: Results with a lower score, 0 to 1, are left out.
        max_pages: How many pages of results are asked for, where there are more.

    Raises:
        pydantic.ValidationError: If a value does not fit its field, or a guardrail has no id or no version.
    """

    model_config = ConfigDict(populate_by_name=True)

    knowledge_base_id: str
    retrieval_config: RetrievalConfig | None = None
    guardrail_config: dict[str, Any] | None = Field(
        default=None, validation_alias=AliasChoices("guardrail_config", "guardrails")
    )
    min_score_confidence: float | None = Field(default=None, ge=0, le=1)
    max_pages: int = Field(default=1, ge=1)

    _guardrail: GuardrailSettings | None = PrivateAttr(default=None)

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    def model_post_init(self, context: Any, /) -> None:
        """Read the guardrail's settings.

        Raises:
            ValueError: If they lack an id or a version.
        """
        super().model_post_init(context)
        self._guardrail = GuardrailSettings.read(self.guardrail_config)

    def span_facts(self) -> SpanFacts:
        """Return what the span of a call says."""
        attributes = {
            names.OPERATION_NAME: "retrieval",
            names.PROVIDER_NAME: "aws.bedrock",
            names.DATA_SOURCE_ID: self.knowledge_base_id,
        }
        return SpanFacts(f"retrieval {self.knowledge_base_id}", attributes, "client")

    async def body(self, value: str, io: Io, /, **kwargs: Any) -> list[Document]:
        """Return the documents for a question, once handlers have heard of interventions.

        Args:
            value: The question.
            io: What the run may do.
            kwargs: Ignored.

        Raises:
            BedrockError: If the call fails.
        """
        found = await super().body(value, io, **kwargs)
        await tell_notices(io)
        return found

    def request(self, query: str, next_token: str | None = None) -> dict[str, Any]:
        """Return the request for a question.

        Args:
            query: The question.
            next_token: Where the page before ended.
        """
        made: dict[str, Any] = {"knowledgeBaseId": self.knowledge_base_id, "retrievalQuery": {"text": query.strip()}}
        search: dict[str, Any] = {}
        if self.retrieval_config is not None:
            search = self.retrieval_config.model_dump(by_alias=True, exclude_none=True)
        token = search.pop("nextToken", None)
        if search:
            made["retrievalConfiguration"] = search
        if self._guardrail is not None:
            guardrail = {"guardrailId": self._guardrail.guardrail_id, "guardrailVersion": self._guardrail.version}
            made["guardrailConfiguration"] = guardrail
        if next_token or token:
            made["nextToken"] = next_token or token
        return made

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        documents: list[Document] = []
        token: str | None = None
        for _ in range(self.max_pages):
            answer = self.transport.call(Call("retrieve", self.request(query, token), _SERVICE))
            documents += self._read(answer)
            token = answer.get("nextToken")
            if not token:
                break
        return documents

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        documents: list[Document] = []
        token: str | None = None
        for _ in range(self.max_pages):
            answer = await self.transport.acall(Call("retrieve", self.request(query, token), _SERVICE))
            documents += self._read(answer)
            token = answer.get("nextToken")
            if not token:
                break
        return documents

    def _read(self, answer: Mapping[str, Any]) -> list[Document]:
        """Return the documents of an answer, and give notice of what a guardrail did."""
        asked = self._guardrail
        for intervention in interventions_from_retrieve(
            answer,
            guardrail_id=None if asked is None else asked.guardrail_id,
            guardrail_version=None if asked is None else asked.version,
        ):
            notice(intervention)
        documents = [_document(result) for result in answer.get("retrievalResults") or ()]
        lowest = self.min_score_confidence
        return documents if lowest is None else [each for each in documents if each.metadata["score"] >= lowest]


def _document(result: Mapping[str, Any]) -> Document:
    content = result.get("content")
    if not content:
        raise ModelError(f"A result of the knowledge base has no content; it has {sorted(result)}.")
    kind = content.get("type", "TEXT")
    metadata = {key: value for key, value in result.items() if key not in ("content", "metadata")}
    metadata = {**metadata, "score": result.get("score") or 0, "type": kind}
    if "metadata" in result:
        metadata["source_metadata"] = result["metadata"]
    for media in ("audio", "video"):
        if media in content:
            metadata[media] = content[media]
    return Document(_page_content(kind, content), metadata=metadata)


def _page_content(kind: str, content: Mapping[str, Any]) -> str:
    if kind == "ROW":
        return json.dumps(content.get("row") or [], ensure_ascii=False)
    if kind == "IMAGE":
        return str(content.get("byteContent", ""))
    said = {"AUDIO": ("audio", "transcription"), "VIDEO": ("video", "summary")}.get(kind)
    if said is not None:
        return str((content.get(said[0]) or {}).get(said[1], ""))
    return str(content.get("text", ""))
