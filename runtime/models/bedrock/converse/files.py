"""Images, documents, videos and sounds, from any form of message block to Converse's.

Converse takes bytes or a place in S3, never another address, and nothing is fetched here. A document must have a name:
where none is given it is made of the content, so that the same request is the same text each time and prompt caches
hold. A given name keeps letters, digits, spaces and `-()[]`, which is all that Converse allows.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ....exceptions import InvalidInputError

__all__ = ["FILE_TYPES", "media_type", "named_document", "wire_file", "wire_image_url"]

FILE_TYPES = frozenset({"image", "video", "audio", "file", "text-plain", "document"})
"""The `type` of blocks that hold or name a file."""

_DOCUMENT_TYPES = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_OTHER_TYPES = {
    "image/jpg": "jpeg",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/x-flac": "flac",
    "audio/x-matroska": "mka",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
}
_ENDINGS = {"jpg": "jpeg", "3gp": "three_gp", "htm": "html", "markdown": "md"}
_KINDS: dict[str, str] = {"file": "document", "text-plain": "document"}
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[^,;]+)*;base64,(.*)", re.DOTALL)
_FORBIDDEN = re.compile(r"[^0-9A-Za-z \-()\[\]]+")
_NAME_KEYS = ("name", "title", "filename")
_NAME_LENGTH = 200


def wire_file(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return Converse's block for a file in the standard form, the older one with `source_type`, or Anthropic's.

    Args:
        block: A block of one of `FILE_TYPES`.

    Raises:
        InvalidInputError: If the file is given by an address outside S3 or by an id, or its format is not known.
    """
    named: str = block["type"]
    kind = _KINDS.get(named, named)
    source, mime_type = _source(block)
    form = _format(kind, mime_type, block) if kind != "document" or "text" not in source else "txt"
    made: dict[str, Any] = {"format": form, "source": source}
    if kind != "document":
        return {kind: made}
    extras = block.get("extras") or {}
    for key in ("context", "citations"):
        value = block.get(key, extras.get(key))
        if value:
            made[key] = dict(value) if isinstance(value, Mapping) else value
    given = next((g for key in _NAME_KEYS for g in (block.get(key), extras.get(key)) if isinstance(g, str) and g), "")
    name = _FORBIDDEN.sub("-", given.removesuffix(f".{form}")).strip("- ")[:_NAME_LENGTH]
    return {"document": named_document({**made, **({"name": name} if name else {})})}


def wire_image_url(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return Converse's block for an image in OpenAI's form, which holds the bytes in a data URL.

    Args:
        block: `{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}`, or the URL alone inside.

    Raises:
        InvalidInputError: If it is not a data URL, nor a place in S3.
    """
    held = block.get("image_url")
    url = held.get("url") if isinstance(held, Mapping) else held
    return wire_file({"type": "image", "url": url})


def named_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of Converse's with a name: its own, or the beginning of its content's SHA-256.

    Args:
        document: The document.
    """
    if document.get("name"):
        return dict(document)
    source = document.get("source")
    held = next(iter(source.values()), b"") if isinstance(source, Mapping) else b""
    data = held if isinstance(held, bytes | bytearray) else (held if isinstance(held, str) else repr(held)).encode()
    return {**document, "name": hashlib.sha256(data).hexdigest()[:12]}


def media_type(kind: str, form: str) -> str:
    """Return the MIME type of a format.

    Args:
        kind: image, video or audio.
        form: Converse's name of the format.
    """
    return {"three_gp": "video/3gpp", "mov": "video/quicktime", "mp3": "audio/mpeg"}.get(form, f"{kind}/{form}")


def _source(block: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return where the bytes are, as Converse says it, and the MIME type where it is known."""
    source, mime_type = block.get("source"), block.get("mime_type")
    if isinstance(source, Mapping):
        mime_type = source.get("media_type", mime_type)
        if source.get("type") == "text" and isinstance(source.get("data"), str):
            return {"text": source["data"]}, "text/plain"
        block = {**block, "base64": source.get("data"), "url": source.get("url"), "file_id": source.get("file_id")}
        if source.get("type") in ("s3Location", "s3_location"):
            place = source.get("data")
            block = {**block, "base64": None, "url": place.get("uri") if isinstance(place, Mapping) else place}
    elif block.get("source_type") is not None:
        block = {**block, "base64": block.get("data")}
    if isinstance(block.get("text"), str):
        return {"text": block["text"]}, "text/plain"
    data, url = block.get("base64"), block.get("url")
    if isinstance(data, bytes | bytearray):
        return {"bytes": bytes(data)}, mime_type
    if isinstance(data, str):
        return {"bytes": _decoded(data)}, mime_type
    if isinstance(url, str):
        return _from_url(url, block, mime_type)
    raise InvalidInputError(
        f"A block of type {block['type']!r} holds no bytes (its keys are {sorted(block)}); Converse takes base64 with "
        "mime_type, a data URL, or an s3:// address."
    )


def _from_url(url: str, block: Mapping[str, Any], mime_type: str | None) -> tuple[dict[str, Any], str | None]:
    inline = _DATA_URL.fullmatch(url)
    if inline:
        return {"bytes": _decoded(inline[2])}, inline[1]
    if url.startswith("s3://"):
        owner = (block.get("extras") or {}).get("bucketOwner") or (block.get("extras") or {}).get("bucket_owner")
        return {"s3Location": {"uri": url, **({"bucketOwner": owner} if owner else {})}}, mime_type
    raise InvalidInputError(
        f"A block of type {block['type']!r} names {url[:80]!r}; Converse fetches only s3:// addresses. Read the file "
        "and give its base64 with mime_type, or a data URL such as 'data:image/png;base64,...'."
    )


def _decoded(data: str) -> bytes:
    try:
        return b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as err:
        raise InvalidInputError(f"A file's data begins with {data[:20]!r}, which is no base64 ({err}).") from err


def _format(kind: str, mime_type: str | None, block: Mapping[str, Any]) -> str:
    if mime_type:
        bare = mime_type.partition(";")[0].strip().lower()
        known = _DOCUMENT_TYPES.get(bare) if kind == "document" else _OTHER_TYPES.get(bare)
        if known or bare.startswith(f"{kind}/"):
            return known or bare.partition("/")[2]
        wanted = ", ".join(_DOCUMENT_TYPES) if kind == "document" else f"one that begins with {kind}/"
        raise InvalidInputError(
            f"A block of type {block['type']!r} has mime_type={mime_type!r}; Converse takes {wanted}."
        )
    ending = PurePosixPath(str(block.get("url") or block.get("filename") or "")).suffix[1:].lower()
    if ending:
        return _ENDINGS.get(ending, ending)
    raise InvalidInputError(f"A block of type {block['type']!r} has no mime_type; give it, such as 'image/png'.")
