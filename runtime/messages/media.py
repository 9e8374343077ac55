"""Content blocks that hold or name a file: images, video, audio, plain text and others.

A file is given by its address (`url`), by its bytes (`base64`, with `mime_type`) or by the id under which the provider
keeps it (`file_id`). The factories insist on one of them, and on `mime_type` beside `base64`, since no provider takes
bytes without it.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, cast
from uuid import uuid4

from typing_extensions import TypedDict

from ..exceptions import InvalidInputError

__all__ = [
    "AudioContentBlock",
    "FileContentBlock",
    "ImageContentBlock",
    "PlainTextContentBlock",
    "VideoContentBlock",
    "create_audio_block",
    "create_file_block",
    "create_image_block",
    "create_plaintext_block",
    "create_video_block",
    "is_data_content_block",
]


class ImageContentBlock(TypedDict):
    """An image."""

    type: Literal["image"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class VideoContentBlock(TypedDict):
    """A video."""

    type: Literal["video"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class AudioContentBlock(TypedDict):
    """A sound."""

    type: Literal["audio"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class FileContentBlock(TypedDict):
    """A file of any other kind, such as a PDF."""

    type: Literal["file"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class PlainTextContentBlock(TypedDict):
    """A document of plain text; the text itself is in `text`, or is named as in other files."""

    type: Literal["text-plain"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: Literal["text/plain"]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    text: NotRequired[str]
    title: NotRequired[str]
    context: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


_FILE_TYPES = ("audio", "file", "image", "text-plain", "video")
_PLACES = ("url", "base64", "file_id")


def is_data_content_block(block: Mapping[str, Any]) -> bool:
    """Return whether a block holds or names a file, in the standard form or in the older one with `source_type`."""
    if block.get("type") not in _FILE_TYPES:
        return False
    return any(key in block for key in (*_PLACES, "text")) or block.get("source_type") in (
        "url",
        "base64",
        "text",
        "id",
    )


def create_image_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> ImageContentBlock:
    """Return a block of an image.

    Args:
        url: Its address.
        base64: Its bytes, encoded.
        file_id: The id under which the provider keeps it.
        mime_type: Its kind; needed with `base64`.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.

    Raises:
        InvalidInputError: If there is neither url, base64 nor file_id, or base64 without mime_type.
    """
    known = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "id": id, "index": index}
    return cast(ImageContentBlock, _file_block("image", known, kwargs))


def create_video_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> VideoContentBlock:
    """Return a block of a video.

    Args:
        url: Its address.
        base64: Its bytes, encoded.
        file_id: The id under which the provider keeps it.
        mime_type: Its kind; needed with `base64`.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.

    Raises:
        InvalidInputError: If there is neither url, base64 nor file_id, or base64 without mime_type.
    """
    known = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "id": id, "index": index}
    return cast(VideoContentBlock, _file_block("video", known, kwargs))


def create_audio_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> AudioContentBlock:
    """Return a block of a sound.

    Args:
        url: Its address.
        base64: Its bytes, encoded.
        file_id: The id under which the provider keeps it.
        mime_type: Its kind; needed with `base64`.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.

    Raises:
        InvalidInputError: If there is neither url, base64 nor file_id, or base64 without mime_type.
    """
    known = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "id": id, "index": index}
    return cast(AudioContentBlock, _file_block("audio", known, kwargs))


def create_file_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> FileContentBlock:
    """Return a block of a file of any kind.

    Args:
        url: Its address.
        base64: Its bytes, encoded.
        file_id: The id under which the provider keeps it.
        mime_type: Its kind; needed with `base64`.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.

    Raises:
        InvalidInputError: If there is neither url, base64 nor file_id, or base64 without mime_type.
    """
    known = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "id": id, "index": index}
    return cast(FileContentBlock, _file_block("file", known, kwargs))


def create_plaintext_block(
    text: str | None = None,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    title: str | None = None,
    context: str | None = None,
    id: str | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> PlainTextContentBlock:
    """Return a block of a plain text document.

    Args:
        text: The document's text.
        url: Its address.
        base64: Its bytes, encoded.
        file_id: The id under which the provider keeps it.
        title: What it is called.
        context: What the model should know of it beside the text.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.
    """
    known = {
        "mime_type": "text/plain",
        "text": text,
        "url": url,
        "base64": base64,
        "file_id": file_id,
        "title": title,
        "context": context,
        "id": id,
        "index": index,
    }
    return cast(PlainTextContentBlock, _filled("text-plain", known, kwargs))


def _file_block(kind: str, known: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    if not any(known[place] for place in _PLACES):
        raise InvalidInputError(f"A block of type {kind!r} names no file; give url, base64 or file_id.")
    if known["base64"] and not known["mime_type"]:
        raise InvalidInputError(
            f"A block of type {kind!r} has base64={known['base64'][:20]!r}... but no mime_type; give it."
        )
    return _filled(kind, known, unknown)


def _filled(kind: str, known: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    block = {"type": kind, **{key: value for key, value in known.items() if value is not None}}
    block.setdefault("id", f"lc_{uuid4()}")
    extras = {**(unknown.pop("extras", None) or {}), **{k: v for k, v in unknown.items() if v is not None}}
    return {**block, "extras": extras} if extras else block
