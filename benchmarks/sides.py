"""The two sides: the same programs, the same user code, another import root."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["OURS", "REFERENCE", "NotThereError", "Side", "token_model"]


class NotThereError(Exception):
    """A side does not offer a name that a scenario needs."""


@dataclass(frozen=True)
class Side:
    """One import root."""

    name: str
    root: str

    def get(self, module: str, name: str) -> Any:
        """Return a name of one of this side's modules.

        Args:
            module: The module below the root, such as `runnables`.
            name: The name in it.

        Raises:
            NotThereError: If the module or the name is missing.
        """
        try:
            return getattr(importlib.import_module(f"{self.root}.{module}"), name)
        except (ImportError, AttributeError) as err:
            raise NotThereError(f"{self.root}.{module}.{name}: {err}") from err


OURS = Side("spanloom", "spanloom.runtime")
REFERENCE = Side("langchain-core", "langchain_core")


def token_model(side: Side, tokens: Sequence[str]) -> Any:
    """Return a chat model that streams these tokens, a message chunk each, whatever it is asked.

    Args:
        side: Whose base class and messages it uses; the class body is the same for both.
        tokens: What it says.
    """
    base = side.get("language_models", "BaseChatModel")
    message, message_chunk = side.get("messages", "AIMessage"), side.get("messages", "AIMessageChunk")
    generation, generation_chunk = side.get("outputs", "ChatGeneration"), side.get("outputs", "ChatGenerationChunk")
    result = side.get("outputs", "ChatResult")

    class TokenModel(base):  # type: ignore[misc]
        tokens: list[str]

        @property
        def _llm_type(self) -> str:
            return "token-model"

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return result(generations=[generation(message=message(content="".join(self.tokens)))])

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            for token in self.tokens:
                yield generation_chunk(message=message_chunk(content=token))

        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            for token in self.tokens:
                yield generation_chunk(message=message_chunk(content=token))

    return TokenModel(tokens=list(tokens))
