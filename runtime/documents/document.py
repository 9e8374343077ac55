"""Documents: pieces of text with what is known about them."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from ..serializable import Serializable

__all__ = ["Document"]


class Document(Serializable):
    """A piece of text, as a retriever returns it.

    Args:
        page_content: The text.
        metadata: What is known about it: source, page, ...
        id: Its id in the store it came from; a number becomes its `str`.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    always_shown: ClassVar[frozenset[str]] = frozenset({"metadata"})

    id: str | None = Field(default=None, coerce_numbers_to_str=True)
    metadata: dict[str, Any] = Field(default_factory=dict)
    page_content: str
    type: Literal["Document"] = "Document"

    def __init__(self, page_content: str, **kwargs: Any) -> None:
        kwargs["page_content"] = page_content
        super().__init__(**kwargs)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold documents."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of documents."""
        return ["langchain", "schema", "document"]

    def __str__(self) -> str:
        shown = f"page_content={self.page_content!r}"
        return f"{shown} metadata={self.metadata}" if self.metadata else shown
