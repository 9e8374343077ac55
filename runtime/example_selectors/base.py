"""The base of example selectors: which examples to show a model for this input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ..runnables.io_loop import in_thread

__all__ = ["BaseExampleSelector"]


class BaseExampleSelector(ABC):
    """Chooses examples; a subclass writes the two blocking methods.

    The async methods run the blocking ones in a worker thread; a selector that knows better overrides them.
    """

    @abstractmethod
    def add_example(self, example: dict[str, str]) -> Any:
        """Add an example to choose from.

        Args:
            example: Its parts by name.
        """

    @abstractmethod
    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the examples to show.

        Args:
            input_variables: The variables of the prompt.
        """

    async def aadd_example(self, example: dict[str, str]) -> Any:
        """Add an example to choose from, on an event loop.

        Args:
            example: Its parts by name.
        """
        return await in_thread(self.add_example, example)

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the examples to show, on an event loop.

        Args:
            input_variables: The variables of the prompt.
        """
        chosen: list[dict[str, Any]] = await in_thread(self.select_examples, input_variables)
        return chosen
