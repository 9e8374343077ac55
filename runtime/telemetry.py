"""What tracing must know of runtime types, registered with it: tracing itself never asks for a class.

Importing this registers how messages, documents, prompt values and generations are encoded, and how messages read as
text for handlers that know text models only. `decode` turns encoded values back into objects; only classes of this
package are ever built, never one that the data names otherwise. Nothing of runtime is loaded before it is needed.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ..tracing.callbacks.dispatch import on_messages
from ..tracing.encode import on_value

__all__ = ["decode"]

_BASE = f"{__package__}.serializable"


def _encoded(value: Any) -> tuple[str, Mapping[str, Any]] | None:
    base = sys.modules.get(_BASE)  # as long as nobody loaded it, no value is of its kind
    if base is None or not isinstance(value, base.Serializable):
        return None
    return type(value).__name__, value.encode_fields()


def _as_text(messages: Sequence[Any]) -> str:
    from .messages import get_buffer_string

    return get_buffer_string(messages)


@cache
def _buildable() -> Mapping[str, Any]:
    from . import documents, messages, outputs, prompt_values  # noqa: F401 - loading them makes their classes known
    from .serializable import wire_classes

    return wire_classes


on_value(_encoded)
on_messages(_as_text)


def decode(value: Any) -> Any:
    """Return an encoded value as objects: registered types are rebuilt, everything else stays JSON.

    Args:
        value: Plain JSON, as replay gives it.

    Raises:
        pydantic.ValidationError: If the fields of a registered type do not fit it.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("$type")
    if not isinstance(kind, str):
        return {key: decode(item) for key, item in value.items()}
    fields = {key: item for key, item in value.items() if key != "$type"}
    built = _buildable().get(kind)
    if built is not None:
        return built.decode_fields({key: decode(item) for key, item in fields.items()})
    if kind == "bytes":
        return base64.b64decode(fields["base64"])
    if kind == "float":
        return float(fields["value"])
    if kind == "dict":
        return {decode(key): decode(item) for key, item in fields["items"]}
    return value
