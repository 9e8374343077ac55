"""The knowledge base retriever, over a real server."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from spanloom.runtime.exceptions import ModelError
from spanloom.runtime.models.bedrock.retrieval_config import (
    ManagedSearchConfig,
    RetrievalConfig,
    SearchFilter,
    VectorSearchConfig,
)
from spanloom.runtime.models.bedrock.retriever import AmazonKnowledgeBasesRetriever
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .hearing import Hearing

MODES = ["invoke", "ainvoke"]
RESULTS: dict[str, Any] = {
    "retrievalResults": [
        {
            "content": {"type": "TEXT", "text": "hello"},
            "location": {"type": "S3", "s3Location": {"uri": "s3://b/k"}},
            "score": 0.8,
            "metadata": {"page": 1},
            "documentId": "d1",
        },
        {"content": {"text": "low"}, "score": 0.1},
        {"content": {"text": "unscored"}},
        {"content": {"type": "ROW", "row": [{"columnName": "a", "columnValue": "é", "type": "STRING"}]}, "score": 0.9},
        {"content": {"type": "IMAGE", "byteContent": "data:image/png;base64,AAA="}, "score": 0.9},
        {"content": {"type": "AUDIO", "audio": {"s3Uri": "s3://a", "transcription": "hi"}}, "score": 0.9},
        {"content": {"type": "VIDEO", "video": {"s3Uri": "s3://v", "summary": "a cat"}}, "score": 0.9},
    ]
}


def retriever(server: BedrockServer, **given: Any) -> AmazonKnowledgeBasesRetriever:
    """Return a retriever of the server."""
    reached: dict[str, Any] = {"endpoint_url": server.url, **server.credentials, **given}
    return AmazonKnowledgeBasesRetriever(knowledge_base_id="KB12345678", **reached)


async def asked(mode: str, made: AmazonKnowledgeBasesRetriever, *handlers: Any) -> list[Any]:
    """Return the documents for a question."""
    config: Any = {"callbacks": list(handlers)}
    return made.invoke("  what? ", config) if mode == "invoke" else await made.ainvoke("  what? ", config)


@pytest.mark.parametrize("mode", MODES)
async def test_results_become_documents(mode: str, bedrock: BedrockServer, spans: SpanRecorder) -> None:
    """Content, location, score, kind and the source's own metadata stand where the documented ones do."""
    bedrock.answer("retrieve", RESULTS)
    documents = await asked(mode, retriever(bedrock))
    assert [(each.page_content, each.metadata) for each in documents] == [
        (
            "hello",
            {
                "location": {"type": "S3", "s3Location": {"uri": "s3://b/k"}},
                "score": 0.8,
                "documentId": "d1",
                "type": "TEXT",
                "source_metadata": {"page": 1},
            },
        ),
        ("low", {"score": 0.1, "type": "TEXT"}),
        ("unscored", {"score": 0, "type": "TEXT"}),
        ('[{"columnName": "a", "columnValue": "é", "type": "STRING"}]', {"score": 0.9, "type": "ROW"}),
        ("data:image/png;base64,AAA=", {"score": 0.9, "type": "IMAGE"}),
        ("hi", {"score": 0.9, "type": "AUDIO", "audio": {"s3Uri": "s3://a", "transcription": "hi"}}),
        ("a cat", {"score": 0.9, "type": "VIDEO", "video": {"s3Uri": "s3://v", "summary": "a cat"}}),
    ]
    (recorded,) = spans.spans
    assert (recorded.span.name, recorded.span.kind.name) == ("retrieval KB12345678", "CLIENT")
    assert recorded.attributes["gen_ai.data_source.id"] == "KB12345678"
    assert recorded.attributes["gen_ai.provider.name"] == "aws.bedrock"


def test_the_request_says_what_was_configured(bedrock: BedrockServer) -> None:
    """Search, filters and the guardrail in the service's own spelling; a page's token beside them; no None."""
    filters = SearchFilter(
        andAll=[SearchFilter(equals={"key": "a", "value": 1}), SearchFilter(in_={"key": "b", "value": ["x"]})]
    )
    search = VectorSearchConfig(numberOfResults=7, overrideSearchType="HYBRID", filter=filters)
    made = retriever(
        bedrock,
        retrieval_config=RetrievalConfig(vectorSearchConfiguration=search, nextToken="page2"),
        guardrails={"guardrailIdentifier": "gr1", "guardrailVersion": "2"},
    )
    bedrock.answer("retrieve", {"retrievalResults": []})
    assert made.invoke("  what? ") == []
    (seen,) = bedrock.requests()
    assert "KB12345678" in seen.path
    assert seen.json == {
        "retrievalQuery": {"text": "what?"},
        "retrievalConfiguration": {
            "vectorSearchConfiguration": {
                "numberOfResults": 7,
                "overrideSearchType": "HYBRID",
                "filter": {
                    "andAll": [{"equals": {"key": "a", "value": 1}}, {"in": {"key": "b", "value": ["x"]}}],
                },
            }
        },
        "guardrailConfiguration": {"guardrailId": "gr1", "guardrailVersion": "2"},
        "nextToken": "page2",
    }


def test_a_mapping_configures_as_the_models_do() -> None:
    """The service's words work, unknown ones are passed on, the documented default is four results."""
    given: Any = {"managedSearchConfiguration": {"rerankingModelType": "NONE", "brandNew": {"x": 1}}}
    made = AmazonKnowledgeBasesRetriever(knowledge_base_id="KB", region="us-east-1", retrieval_config=given)
    assert made.request("q")["retrievalConfiguration"] == {
        "managedSearchConfiguration": {"numberOfResults": 4, "rerankingModelType": "NONE", "brandNew": {"x": 1}}
    }
    assert ManagedSearchConfig().numberOfResults == VectorSearchConfig().numberOfResults == 4
    assert "retrievalConfiguration" not in made.model_copy(update={"retrieval_config": None}).request("q")


@pytest.mark.parametrize("mode", MODES)
async def test_low_scores_are_left_out(mode: str, bedrock: BedrockServer) -> None:
    """A result of exactly the score stays; one without a score counts as 0."""
    bedrock.answer("retrieve", RESULTS)
    found = await asked(mode, retriever(bedrock, min_score_confidence=0.8))
    assert [each.metadata["score"] for each in found] == [0.8, 0.9, 0.9, 0.9, 0.9]


@pytest.mark.parametrize("mode", MODES)
async def test_further_pages_are_asked_for_as_many_as_allowed(mode: str, bedrock: BedrockServer) -> None:
    """One page by default; more follow the service's token until there is none."""
    pages = [
        {"retrievalResults": [{"content": {"text": "1"}}], "nextToken": "t1"},
        {"retrievalResults": [{"content": {"text": "2"}}], "nextToken": "t2"},
        {"retrievalResults": [{"content": {"text": "3"}}]},
    ]
    for allowed, expected in ((1, ["1"]), (2, ["1", "2"]), (9, ["1", "2", "3"])):
        bedrock.reset()
        for page in pages:
            bedrock.answer("retrieve", page)
        found = await asked(mode, retriever(bedrock, max_pages=allowed))
        assert [each.page_content for each in found] == expected
        assert [seen.json.get("nextToken") for seen in bedrock.requests()] == [None, "t1", "t2"][: len(expected)]


@pytest.mark.parametrize("mode", MODES)
async def test_handlers_hear_of_a_guardrail_that_intervened(
    mode: str, bedrock: BedrockServer, spans: SpanRecorder
) -> None:
    """The run ends well with what the guardrail let pass, and tells of the intervention."""
    made = retriever(bedrock, guardrail_config={"guardrailId": "gr1", "guardrailVersion": "2"})
    bedrock.answer("retrieve", {"retrievalResults": [], "guardrailAction": "INTERVENED"})
    handler = Hearing()
    assert await asked(mode, made, handler) == []
    assert handler.hooks == ["start", "notice", "end"]
    assert handler.notices[0]["intervention"].guardrail_id == "gr1"
    (recorded,) = spans.spans
    assert [event.name for event in recorded.span.events] == ["gen_ai.guardrail.result"]
    assert recorded.outcome == "ok"


@pytest.mark.row("S.09")
@pytest.mark.parametrize("mode", ["stream", "astream"])
async def test_a_stream_is_one_chunk(mode: str, bedrock: BedrockServer) -> None:
    """The whole list of documents comes at once."""
    bedrock.answer("retrieve", RESULTS)
    made = retriever(bedrock)
    chunks = list(made.stream("q")) if mode == "stream" else [chunk async for chunk in made.astream("q")]
    assert [len(chunk) for chunk in chunks] == [7]


def test_a_result_without_content_is_an_error(bedrock: BedrockServer) -> None:
    """The error names what the result had instead."""
    bedrock.answer("retrieve", {"retrievalResults": [{"score": 1.0}]})
    with pytest.raises(ModelError, match="no content"):
        retriever(bedrock).invoke("q")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"guardrail_config": {"guardrailId": "gr1"}}, "guardrailVersion is missing"),
        ({"min_score_confidence": 1.5}, "less than or equal to 1"),
        ({"max_pages": 0}, "greater than or equal to 1"),
        ({"retrieval_config": {"vectorSearchConfiguration": {"overrideSearchType": "FUZZY"}}}, "HYBRID"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given: dict[str, Any], message: str) -> None:
    """Nothing is sent with them."""
    with pytest.raises(ValidationError, match=message):
        AmazonKnowledgeBasesRetriever(knowledge_base_id="KB", region="us-east-1", **given)


def test_the_server_answers_a_question_from_its_passages(bedrock: BedrockServer) -> None:
    """Without an order the server ranks its own passages; the retriever's documents carry their scores."""
    found = retriever(bedrock).invoke("what is a span?")
    assert found
    assert json.dumps([each.metadata["score"] for each in found]) == json.dumps(
        sorted((each.metadata["score"] for each in found), reverse=True)
    )
