"""How a knowledge base is to be searched: the documented settings of its retriever.

Fields are named as the service names them, so a mapping in the service's words works as well. What is not known here is
passed on unchanged.
"""

# ruff: noqa: N815 - the service's own names, which programs write

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

__all__ = ["ManagedSearchConfig", "RetrievalConfig", "SearchFilter", "VectorSearchConfig"]


class SearchFilter(BaseModel):
    """A condition on the metadata of documents: one comparison, or several joined.

    A comparison is a mapping of `key` and `value`.

    Args:
        andAll: Conditions that must all hold.
        orAll: Conditions of which one must hold.
        equals: The value is this.
        greaterThan: The number is greater.
        greaterThanOrEquals: The number is greater or this.
        in_: The value is one of these; `in` in a mapping.
        lessThan: The number is less.
        lessThanOrEquals: The number is less or this.
        listContains: The list has this among its values.
        notEquals: The value is not this.
        notIn: The value is none of these.
        startsWith: The text starts so.
        stringContains: The text, or one of the list's, has this in it.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(extra="allow")

    andAll: list[SearchFilter] | None = None
    orAll: list[SearchFilter] | None = None
    equals: dict[str, Any] | None = None
    greaterThan: dict[str, Any] | None = None
    greaterThanOrEquals: dict[str, Any] | None = None
    in_: dict[str, Any] | None = Field(
        default=None, validation_alias=AliasChoices("in", "in_"), serialization_alias="in"
    )
    lessThan: dict[str, Any] | None = None
    lessThanOrEquals: dict[str, Any] | None = None
    listContains: dict[str, Any] | None = None
    notEquals: dict[str, Any] | None = None
    notIn: dict[str, Any] | None = None
    startsWith: dict[str, Any] | None = None
    stringContains: dict[str, Any] | None = None


class VectorSearchConfig(BaseModel):
    """A search by vectors.

    Args:
        numberOfResults: How many results are wanted.
        filter: A condition on their metadata.
        overrideSearchType: HYBRID or SEMANTIC, in place of the service's choice.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(extra="allow")

    numberOfResults: int = 4
    filter: SearchFilter | None = None
    overrideSearchType: Literal["HYBRID", "SEMANTIC"] | None = None


class ManagedSearchConfig(BaseModel):
    """A search of a knowledge base that the service manages whole.

    Args:
        numberOfResults: How many results are wanted.
        filter: A condition on their metadata.
        rerankingModelType: CUSTOM, MANAGED or NONE: what puts them in order.
        rerankingConfiguration: The model of one's own that does.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(extra="allow")

    numberOfResults: int = 4
    filter: SearchFilter | None = None
    rerankingModelType: Literal["CUSTOM", "MANAGED", "NONE"] | None = None
    rerankingConfiguration: dict[str, Any] | None = None


class RetrievalConfig(BaseModel):
    """How to search, and where to go on.

    Args:
        vectorSearchConfiguration: A search by vectors.
        managedSearchConfiguration: A search of a managed knowledge base.
        nextToken: Where an earlier answer ended.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(extra="allow")

    vectorSearchConfiguration: VectorSearchConfig | None = None
    managedSearchConfiguration: ManagedSearchConfig | None = None
    nextToken: str | None = None
