"""Parts of OpenAI's chat completions.

Source: OpenAI's API reference, content parts of chat messages. A refusal has no standard form.
"""

import re
from collections.abc import Mapping
from typing import Any

from .standard import rest_as_extras

__all__ = ["translate_openai"]

_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def translate_openai(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the standard block for one of OpenAI's parts, or None if it is none of theirs."""
    kind = entry.get("type")
    translate = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    return translate(entry) if translate else None


def _image(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    image = entry.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str):
        return None
    also = {key: value for key, value in image.items() if key != "url"} if isinstance(image, Mapping) else {}
    return rest_as_extras({"type": "image", **_place(url)}, entry, "image_url", also=also)


def _audio(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    audio = entry.get("input_audio")
    if not isinstance(audio, Mapping) or not isinstance(audio.get("data"), str):
        return None
    if not isinstance(audio.get("format"), str):
        return None
    block = {"type": "audio", "base64": audio["data"], "mime_type": f"audio/{audio['format']}"}
    also = {key: value for key, value in audio.items() if key not in ("data", "format")}
    return rest_as_extras(block, entry, "input_audio", also=also)


def _file(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    file = entry.get("file")
    if not isinstance(file, Mapping):
        return None
    if isinstance(file.get("file_id"), str):
        place, key = {"file_id": file["file_id"]}, "file_id"
    elif isinstance(file.get("file_data"), str) and _DATA_URL.fullmatch(file["file_data"]):
        place, key = _place(file["file_data"]), "file_data"
    else:
        return None
    also = {name: value for name, value in file.items() if name != key}
    return rest_as_extras({"type": "file", **place}, entry, "file", also=also)


def _place(url: str) -> dict[str, str]:
    found = _DATA_URL.fullmatch(url)
    return {"base64": found[2], "mime_type": found[1]} if found else {"url": url}


_BY_TYPE = {"image_url": _image, "input_audio": _audio, "file": _file}
