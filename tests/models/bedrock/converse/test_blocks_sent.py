"""What single content blocks become on Converse's wire."""

from typing import Any

import pytest

from spanloom.runtime.messages import HumanMessage

from .sending import PNG, PNG_BYTES, sent_messages

BYTES = {"bytes": PNG_BYTES}


def image(form: str = "png", **source: Any) -> dict[str, Any]:
    return {"image": {"format": form, "source": source or BYTES}}


def document(form: str, name: str, **more: Any) -> dict[str, Any]:
    return {"document": {"format": form, "source": BYTES, "name": name, **more}}


PLACE = {"uri": "s3://b/k.png", "bucketOwner": "1"}
IMAGES: dict[str, tuple[Any, Any]] = {
    "standard": ({"type": "image", "base64": PNG, "mime_type": "image/jpg"}, image("jpeg")),
    "standard in S3": (
        {"type": "image", "url": "s3://b/k.png", "extras": {"bucket_owner": "1"}},
        image(s3Location=PLACE),
    ),
    "older standard": (
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/gif"},
        image("gif"),
    ),
    "OpenAI's": ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, image()),
    "OpenAI's, short": ({"type": "image_url", "image_url": f"data:image/webp;base64,{PNG}"}, image("webp")),
    "Anthropic's": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        image(),
    ),
    "Converse's": (image(), image()),
    "Converse's in snake case": (
        {
            "type": "image",
            "image": {"format": "png", "source": {"s3_location": {"uri": "s3://b/k.png", "bucket_owner": "1"}}},
        },
        image(s3Location=PLACE),
    ),
}


@pytest.mark.row("C.35")
@pytest.mark.parametrize("form", IMAGES)
def test_an_image_is_sent_with_its_format_and_bytes(form: str) -> None:
    """Every form of an image gives the same block."""
    block, wanted = IMAGES[form]
    assert sent_messages([HumanMessage([block])]) == [{"role": "user", "content": [wanted]}]


NAMED = {"type": "file", "base64": PNG, "mime_type": "application/pdf"}
HASH = "0eeb93c10554"
BLOCKS: dict[str, tuple[Any, Any]] = {
    "a PDF without a name": (NAMED, document("pdf", HASH)),
    "a PDF with a name": ({**NAMED, "name": "my doc"}, document("pdf", "my doc")),
    "a name that Converse does not allow": ({**NAMED, "filename": "my_doc (1).pdf"}, document("pdf", "my-doc (1)")),
    "a name in extras": ({**NAMED, "extras": {"name": "n"}}, document("pdf", "n")),
    "a markdown file": ({**NAMED, "mime_type": "text/markdown; charset=utf-8"}, document("md", HASH)),
    "a text document": (
        {"type": "text-plain", "text": "hello", "mime_type": "text/plain", "title": "T", "context": "C"},
        {"document": {"format": "txt", "source": {"text": "hello"}, "context": "C", "name": "T"}},
    ),
    "an older text document": (
        {"type": "file", "source_type": "text", "text": "hello"},
        {"document": {"format": "txt", "source": {"text": "hello"}, "name": "2cf24dba5fb0"}},
    ),
    "Anthropic's document": (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PNG},
            "title": "t",
            "citations": {"enabled": True},
        },
        document("pdf", "t", citations={"enabled": True}),
    ),
    "Anthropic's text document": (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"document": {"format": "txt", "source": {"text": "hello"}, "name": "2cf24dba5fb0"}},
    ),
    "Converse's document": (document("pdf", "d"), document("pdf", "d")),
    "Converse's document without a name": (
        {"document": {"format": "pdf", "source": BYTES}},
        document("pdf", HASH),
    ),
    "a video": (
        {"type": "video", "base64": PNG, "mime_type": "video/quicktime"},
        {"video": {"format": "mov", "source": BYTES}},
    ),
    "a 3GPP video": (
        {"type": "video", "base64": PNG, "mime_type": "video/3gpp"},
        {"video": {"format": "three_gp", "source": BYTES}},
    ),
    "a video in S3": (
        {"type": "video", "source": {"type": "s3Location", "media_type": "video/mp4", "data": "s3://b/v"}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v"}}}},
    ),
    "a sound": (
        {"type": "audio", "base64": PNG, "mime_type": "audio/mpeg"},
        {"audio": {"format": "mp3", "source": BYTES}},
    ),
    "a cache point in snake case": (
        {"cache_point": {"type": "default", "ttl": "1h"}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ),
    "guarded content": (
        {"type": "guard_content", "guard_content": {"type": "text", "text": "y"}},
        {"guardContent": {"text": {"text": "y"}}},
    ),
    "guarded content with qualifiers": (
        {"type": "guard_content", "guard_content": {"text": {"text": "y", "qualifiers": ["query"]}}},
        {"guardContent": {"text": {"text": "y", "qualifiers": ["query"]}}},
    ),
    "a search result": (
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
    ),
    "a provider's own block": (
        {"type": "non_standard", "value": {"cachePoint": {"type": "default"}}},
        {"cachePoint": {"type": "default"}},
    ),
    "a member of tomorrow": ({"hologram": {"x": 1}}, {"hologram": {"x": 1}}),
    "JSON with the user's own names": (
        {"json": {"snake_case": {"and_more": 1}}},
        {"json": {"snake_case": {"and_more": 1}}},
    ),
}


@pytest.mark.parametrize("form", BLOCKS)
def test_a_block_is_sent_in_converses_form(form: str) -> None:
    """Every form of a block gives what Converse takes."""
    block, wanted = BLOCKS[form]
    assert sent_messages([HumanMessage([block])]) == [{"role": "user", "content": [wanted]}]


REFUSED = {
    "an address": ({"type": "image", "url": "https://example.org/a.png"}, "s3://"),
    "a file id": ({"type": "file", "file_id": "f", "mime_type": "application/pdf"}, "holds no bytes"),
    "no MIME type": ({"type": "image", "base64": PNG}, "no mime_type"),
    "a foreign format": ({"type": "file", "base64": PNG, "mime_type": "application/zip"}, "application/zip"),
    "no base64": ({"type": "image", "base64": "%", "mime_type": "image/png"}, "no base64"),
    "an unknown type": ({"type": "hologram", "x": 1}, "'hologram'"),
    "two keys": ({"text": "a", "more": 1}, "one key"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_block_that_cannot_be_sent_is_refused_with_advice(form: str) -> None:
    """The message names what was given."""
    block, told = REFUSED[form]
    with pytest.raises(ValueError, match=told):
        sent_messages([HumanMessage([block])])


def test_a_request_changes_none_of_the_messages() -> None:
    """Building a request leaves the blocks as they were."""
    block = {"type": "file", "base64": PNG, "mime_type": "application/pdf", "extras": {"name": "n"}}
    message = HumanMessage([dict(block), {"cache_point": {"type": "default"}}])
    sent_messages([message, message])
    assert message.content == [block, {"cache_point": {"type": "default"}}]
