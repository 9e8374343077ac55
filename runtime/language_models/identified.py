"""What tells one model from another: its kind and its parameters.

It stands apart from the base of models because a class with a method `dict` cannot name the type in its annotations.
"""

from __future__ import annotations

import builtins
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ..runnables.serializable import ComposedSerializable

__all__ = ["IdentifiedModel"]


class IdentifiedModel(ComposedSerializable[Any, Any]):
    """A model that says what it is."""

    @property
    @abstractmethod
    def _llm_type(self) -> str:
        """The kind of model, in one word."""

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells one such model from another."""
        return {}

    def dict(self, **kwargs: Any) -> builtins.dict[str, Any]:
        """Return the model's kind as `_type`, and its identifying parameters.

        Args:
            kwargs: Accepted and without effect.
        """
        return {**self._identifying_params, "_type": self._llm_type}
