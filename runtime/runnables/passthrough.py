"""Runnables over what passes: unchanged, with keys added, or with keys picked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..exceptions import InvalidInputError
from .addable import AddableDict
from .composed import Composed
from .config import RunnableConfig
from .io import Io, fold
from .slots import Slots

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Mapper", "RunnableAssign", "RunnablePassthrough", "RunnablePick"]


class Mapper(Protocol):
    """What makes the added keys: steps under keys, run side by side."""

    steps__: dict[str, Any]

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the added keys."""
        ...

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the added keys, on an event loop."""
        ...

    def transform(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the added keys for a stream of input."""
        ...

    def atransform(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the added keys for a stream of input, on an event loop."""
        ...

    def get_input_schema(self, config: RunnableConfig | None = None) -> Any:
        """Return a model of what makes the added keys."""
        ...

    def get_output_schema(self, config: RunnableConfig | None = None) -> Any:
        """Return a model of the added keys."""
        ...


class RunnablePassthrough(Composed[Any, Any]):
    """The input, unchanged.

    Args:
        func: A function called with the input before it is passed on; what it returns is not looked at.
        afunc: The same for calls on an event loop.
    """

    _is_dumped = True

    def __init__(self, func: Callable[..., Any] | None = None, afunc: Callable[..., Any] | None = None) -> None:
        self.func, self.afunc = func, afunc
        given = func or afunc
        self._look: Composed[Any, Any] | None = None
        if given is not None:
            self._look = Slots.function(given, None if given is afunc else afunc)

    def __repr__(self) -> str:
        return "RunnablePassthrough()"

    def _output_after(self, before: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        return before()

    @classmethod
    def assign(cls, **kwargs: Any) -> RunnableAssign:
        """Return a runnable that adds keys to a mapping.

        Args:
            kwargs: What makes each key's value: runnables, mappings or functions over the whole mapping.
        """
        return RunnableAssign(Slots.parallel(kwargs))

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the input.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: Passed on to the function.
        """
        if self._look is not None:
            await self._look.body(value, io, **kwargs)
        return value

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the chunks of the input as they come; the function sees their sum at the end.

        Args:
            chunks: The chunks of the input.
            io: What the run may do.
            kwargs: Passed on to the function.
        """
        seen: list[Any] = []
        async for chunk in chunks:
            yield chunk
            if self._look is not None:
                seen.append(chunk)
        if self._look is not None and seen:
            await self._look.body(fold(seen), io, **kwargs)


class RunnableAssign(Composed[Any, dict[str, Any]]):
    """A mapping with keys added, each made from the whole mapping.

    Args:
        mapper: What makes the added keys.
    """

    _is_dumped = True

    def __init__(self, mapper: Mapper) -> None:
        self.mapper = mapper

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs, which tells the keys.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead of its own.
        """
        return super().get_name(
            suffix, name=name or getattr(self, "name", None) or f"RunnableAssign<{','.join(self.mapper.steps__)}>"
        )

    def __repr__(self) -> str:
        return f"RunnableAssign(mapper={self.mapper!r})"

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """A mapping."""
        return dict[str, Any]

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of what the added keys are made from.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import fields_of

        model = cast("type[BaseModel]", self.mapper.get_input_schema(config))
        return model if fields_of(model) else super().get_input_schema(config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the added keys, with those that they are made from.

        Args:
            config: Values of configurable fields, where they change it.
        """
        return self._output_after(lambda: self.get_input_schema(config), config)

    def _input_before(self, later: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        from .schemas import fields_of, model_of_fields

        needed = {key: field for key, field in fields_of(later()).items() if key not in self.mapper.steps__}
        fields = {**needed, **fields_of(self.mapper.get_input_schema(config))}
        return model_of_fields("RunnableSequenceInput", fields) if fields else self.get_input_schema(config)

    def _output_after(self, before: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        from .schemas import fields_of, model_of_fields

        added = fields_of(self.mapper.get_output_schema(config))
        return model_of_fields(self.get_name("Output"), {**fields_of(before()), **added})

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the mapping with the keys added.

        Args:
            value: The mapping.
            io: What the run may do.
            kwargs: Passed on to the mapper.

        Raises:
            InvalidInputError: If the input is not a mapping.
        """
        given = _mapping(value, "assign")
        return {**given, **await io.invoke(self.mapper, value, **kwargs)}

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield what passes as it comes, then the added keys as they come.

        Args:
            chunks: The chunks of the mapping.
            io: What the run may do.
            kwargs: Passed on to the mapper.

        Raises:
            InvalidInputError: If a chunk is not a mapping.
        """
        passing, mapped_from = io.tee(chunks, 2)
        mapped = io.ahead(io.transform(self.mapper, mapped_from, **kwargs))
        try:
            async for chunk in passing:
                kept = {k: v for k, v in _mapping(chunk, "assign").items() if k not in self.mapper.steps__}
                if kept:
                    yield AddableDict(kept)
            async for chunk in mapped:
                yield chunk
        finally:
            await io.close(passing, mapped)


class RunnablePick(Composed[Any, Any]):
    """Keys picked from a mapping.

    Args:
        keys: One key for its value, or a list for a smaller mapping.
    """

    _is_dumped = True

    def __init__(self, keys: str | list[str]) -> None:
        self.keys = keys

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs, which tells the keys.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead of its own.
        """
        keys = self.keys if isinstance(self.keys, str) else ",".join(self.keys)
        return super().get_name(suffix, name=name or getattr(self, "name", None) or f"RunnablePick<{keys}>")

    def __repr__(self) -> str:
        return f"RunnablePick(keys={self.keys!r})"

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """A mapping."""
        return dict[str, Any]

    def _output_after(self, before: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        from .schemas import fields_of, model_of_fields, model_of_type

        known = fields_of(before())
        if isinstance(self.keys, str):
            return model_of_type(self.get_name("Output"), known.get(self.keys, (Any,))[0])
        picked = {key: known.get(key, (Any, None)) for key in self.keys}
        return model_of_fields(self.get_name("Output"), picked)

    def _picked(self, value: Any) -> Any:
        given = _mapping(value, "pick")
        if isinstance(self.keys, str):
            return given.get(self.keys)
        picked = {key: given[key] for key in self.keys if key in given}
        return AddableDict(picked) if picked else None

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return what is picked; None where nothing is there.

        Args:
            value: The mapping.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If the input is not a mapping.
        """
        picked = self._picked(value)
        return dict(picked) if isinstance(picked, AddableDict) and not isinstance(self.keys, str) else picked

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield what is picked from each chunk, where there is something.

        Args:
            chunks: The chunks of the mapping.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If a chunk is not a mapping.
        """
        async for chunk in chunks:
            picked = self._picked(chunk)
            if picked is not None:
                yield picked


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{what} was given {value!r}; its input must be a mapping such as {{'key': value}}.")
    return cast("Mapping[str, Any]", value)
