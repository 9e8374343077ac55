"""Documents carry a text and what is known about it."""

import pytest
from pydantic import ValidationError

from spanloom.runtime.documents import Document


def test_a_document_has_a_text_metadata_and_an_id():
    document = Document("x", metadata={"page": 1}, id=5)
    assert (document.page_content, document.metadata, document.id, document.type) == ("x", {"page": 1}, "5", "Document")
    assert repr(Document(page_content="x")) == "Document(metadata={}, page_content='x')"
    assert str(document) == "page_content='x' metadata={'page': 1}"
    assert str(Document("x")) == "page_content='x'"


def test_a_document_is_rebuilt_from_its_journal_fields():
    document = Document("x", metadata={"page": 1}, id="5")
    assert document.encode_fields() == {"id": "5", "metadata": {"page": 1}, "page_content": "x"}
    assert Document.decode_fields(document.encode_fields()) == document


def test_the_text_must_be_a_text():
    with pytest.raises(ValidationError):
        Document(5)  # type: ignore[arg-type]
