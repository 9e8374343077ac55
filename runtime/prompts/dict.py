"""Prompts that are a mapping in which every text may hold fields, such as a content block of a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

from ..runnables.io import Io
from ..runnables.serializable import ComposedSerializable
from .formats import TemplateFormat, fill_template, get_template_variables

__all__ = ["DictPromptTemplate"]


class DictPromptTemplate(ComposedSerializable[dict[str, Any], dict[str, Any]]):
    """A mapping in which every text may hold fields, however deep; keys never do.

    Args:
        template: The mapping.
        template_format: `f-string`, `mustache` or `jinja2`.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    run_type: ClassVar[str] = "prompt"
    input_types: ClassVar[dict[str, Any]] = {}
    optional_variables: ClassVar[list[str]] = []
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "none"

    template: dict[str, Any]
    template_format: TemplateFormat = "f-string"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold prompts."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of mapping prompts."""
        return ["langchain_core", "prompts", "dict"]

    @property
    def input_variables(self) -> list[str]:
        """The names of all fields, each once, sorted.

        Raises:
            InvalidInputError: If a text is malformed.
        """
        found: set[str] = set()
        _walk(self.template, lambda text: found.update(get_template_variables(text, self.template_format)))
        return sorted(found)

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> dict[str, Any]:
        """Return the mapping filled.

        Args:
            value: Name -> value.
            io: Not used: this does no I/O.
            kwargs: Not used.

        Raises:
            KeyError: If a field has no value.
        """
        return self.format(**value)

    def format(self, **kwargs: Any) -> dict[str, Any]:
        """Return the mapping filled.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value.
        """
        filled: dict[str, Any] = _walk(self.template, lambda text: fill_template(text, kwargs, self.template_format))
        return filled

    async def aformat(self, **kwargs: Any) -> dict[str, Any]:
        """Return the mapping filled, on an event loop.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value.
        """
        return self.format(**kwargs)

    def pretty_repr(self, html: bool = False) -> str:
        """Return the template as it is.

        Args:
            html: Without effect.
        """
        return str(self.template)


def _walk(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _walk(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, change) for item in value]
    return value
