"""Caches of model answers: what a prompt and a model's parameters gave before is given again.

A cached answer is a run like any other: its hooks fire and its span is kept, marked; only the provider is not asked.
Answers that are streamed to the caller are never cached.

The cache in a file keeps answers as JSON text, never as pickles: reading one builds messages and generations and no
other class, whoever wrote the file.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

from ..tracing import log
from .load import dumps, loads
from .messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from .outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk
from .runnables.io_loop import in_thread

__all__ = ["RETURN_VAL_TYPE", "BaseCache", "InMemoryCache", "SQLiteCache"]

RETURN_VAL_TYPE = Sequence[Generation]
"""What a cache keeps for one prompt: its candidate answers."""


class BaseCache(ABC):
    """The base of caches: `lookup`, `update` and `clear`.

    The async methods run the blocking ones in a worker thread; a cache that knows better overrides them. A model may be
    used from many threads and tasks at once, so a cache is too.
    """

    @abstractmethod
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """

    @abstractmethod
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """

    @abstractmethod
    def clear(self, **kwargs: Any) -> None:
        """Forget what was kept.

        Args:
            kwargs: What a cache of another kind may want to know.
        """

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None, on an event loop.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        found: RETURN_VAL_TYPE | None = await in_thread(self.lookup, prompt, llm_string)
        return found

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model, on an event loop.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        await in_thread(self.update, prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget what was kept, on an event loop.

        Args:
            kwargs: What a cache of another kind may want to know.
        """
        await in_thread(self.clear, **kwargs)


class InMemoryCache(BaseCache):
    """A cache in this process. Where it is full, the entry that was kept first goes.

    Args:
        maxsize: How many prompts it keeps; None for any number.

    Raises:
        ValueError: If `maxsize` is not positive.
    """

    def __init__(self, *, maxsize: int | None = None) -> None:
        if maxsize is not None and maxsize <= 0:
            raise ValueError(f"maxsize is {maxsize!r}; it must be greater than 0, or None for no limit.")
        self._maxsize = maxsize
        self._kept: dict[tuple[str, str], RETURN_VAL_TYPE] = {}
        self._lock = Lock()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        return self._kept.get((prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        key = (prompt, llm_string)
        with self._lock:
            if self._maxsize is not None and key not in self._kept and len(self._kept) >= self._maxsize:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = return_val

    def clear(self, **kwargs: Any) -> None:
        """Forget what was kept.

        Args:
            kwargs: Ignored.
        """
        with self._lock:
            self._kept.clear()

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None; no thread is needed for that.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        return self.lookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model; no thread is needed for that.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        self.update(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget what was kept; no thread is needed for that.

        Args:
            kwargs: Ignored.
        """
        self.clear()


class SQLiteCache(BaseCache):
    """A cache in an SQLite file, which outlives the process and may be shared by several.

    Prompts and answers stand in it as plain text. A kept answer that cannot be read counts as none, which is told once
    in the process; the next answer replaces it.

    Args:
        database_path: The file; it is made where there is none. `:memory:` keeps the answers in this process.

    Raises:
        sqlite3.Error: If the file is no database, or cannot be opened.
    """

    def __init__(self, database_path: str | os.PathLike[str] = ".spanloom.db") -> None:
        import sqlite3  # loaded when used: programs without this cache do not pay for it

        self._lock = Lock()
        self._database = sqlite3.connect(database_path, check_same_thread=False, isolation_level=None)
        self._ask(_TABLE)

    def _ask(self, statement: str, *values: str) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.

        Raises:
            sqlite3.Error: If the file can no longer be read.
        """
        for (text,) in self._ask("SELECT answers FROM answer WHERE prompt = ? AND model = ?", prompt, llm_string):
            try:
                return _loaded(text)
            except Exception as exc:  # noqa: BLE001 - whatever is wrong with it, it is no answer
                log.warn_once("caches", "unreadable", "a kept answer cannot be read", error=type(exc).__name__)
        return None

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        self._ask("INSERT OR REPLACE INTO answer VALUES (?, ?, ?)", prompt, llm_string, dumps(list(return_val)))

    def clear(self, **kwargs: Any) -> None:
        """Forget what was kept.

        Args:
            kwargs: Ignored.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        self._ask("DELETE FROM answer")

    def close(self) -> None:
        """Close the file; the cache cannot be used any more."""
        with self._lock:
            self._database.close()


_TABLE = """
CREATE TABLE IF NOT EXISTS answer (
    prompt TEXT NOT NULL, model TEXT NOT NULL, answers TEXT NOT NULL, PRIMARY KEY (prompt, model)
) WITHOUT ROWID
"""
_BUILT: Final[tuple[type[Any], ...]] = (
    *(Generation, GenerationChunk, ChatGeneration, ChatGenerationChunk),
    *(AIMessage, AIMessageChunk, ChatMessage, ChatMessageChunk, FunctionMessage, FunctionMessageChunk),
    *(HumanMessage, HumanMessageChunk, RemoveMessage, SystemMessage, SystemMessageChunk, ToolMessage, ToolMessageChunk),
)


def _loaded(text: Any) -> list[Generation]:
    """Return the answers that a text was dumped from.

    Raises:
        ValueError: If it is none.
    """
    answers = loads(text, allowed_objects=_BUILT)
    if not isinstance(answers, list) or not all(isinstance(answer, Generation) for answer in answers):
        raise ValueError("The text is no list of generations; clear the cache.")
    return answers
