"""Tools made of functions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, Field

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from ..exceptions import InvalidInputError
from ..runnables.io_loop import in_thread
from ..runnables.serializable import is_ours
from .base import ArgsSchema, BaseTool
from .injection import injected_into
from .schema import create_schema_from_function

__all__ = ["StructuredTool"]


class StructuredTool(BaseTool):
    """A tool made of a function, a coroutine function, or both; an event loop prefers the coroutine function.

    Args:
        func: The function.
        coroutine: The coroutine function.
    """

    func: Callable[..., Any] | None = None
    coroutine: Callable[..., Awaitable[Any]] | None = Field(default=None)

    def get_input_schema(self, config: Any = None) -> type[BaseModel]:
        """Return the model that arguments are checked against.

        Args:
            config: Not used.
        """
        if self.args_schema is None and self._inferred is None:
            self._inferred = create_schema_from_function(self.name, self._source())
        return super().get_input_schema(config)

    def _source(self) -> Callable[..., Any]:
        source = self.func or self.coroutine
        return source if source is not None and is_ours(type(self), "_run") else self._run

    def _run(self, *args: Any, run_manager: CallbackManagerForToolRun, **kwargs: Any) -> Any:
        if self.func is None:
            raise NotImplementedError(f"{self.name} is made of a coroutine function; call it with ainvoke.")
        return self.func(*args, **{**kwargs, **injected_into(self.func, run_manager.scope, blocking=True)})

    async def _arun(self, *args: Any, run_manager: AsyncCallbackManagerForToolRun, **kwargs: Any) -> Any:
        scope = run_manager.scope
        if self.coroutine is not None:
            return await self.coroutine(*args, **{**kwargs, **injected_into(self.coroutine, scope, blocking=False)})
        if self.func is None:
            raise NotImplementedError(f"{self.name} has neither func nor coroutine; give one.")
        return await in_thread(self.func, *args, **{**kwargs, **injected_into(self.func, scope, blocking=True)})

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None = None,
        coroutine: Callable[..., Awaitable[Any]] | None = None,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        infer_schema: bool = True,
        *,
        response_format: Literal["content", "content_and_artifact"] = "content",
        parse_docstring: bool = False,
        error_on_invalid_docstring: bool = False,
        **kwargs: Any,
    ) -> StructuredTool:
        """Return a tool made of a function.

        Args:
            func: The function.
            coroutine: The coroutine function.
            name: What models call it; the function's name when not given.
            description: What models are told; the function's docstring, else that of `args_schema`, when not given.
            return_direct: Whether an agent should end with its answer.
            args_schema: A model of the arguments, or a JSON schema; read from the signature when not given.
            infer_schema: Whether to read it from the signature now rather than at first use.
            response_format: Whether it returns the content alone, or a pair of content and artifact.
            parse_docstring: Whether the Google docstring describes the arguments, each by its own text.
            error_on_invalid_docstring: Whether that docstring must be there and describe arguments.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If there is neither function nor coroutine function, nothing describes the tool, or the
                docstring to parse is not valid.
        """
        source = func or coroutine
        if source is None:
            raise InvalidInputError("A tool needs func or coroutine, but neither was given.")
        called = name or source.__name__
        if args_schema is None and (infer_schema or parse_docstring):
            args_schema = create_schema_from_function(
                called,
                source,
                parse_docstring=parse_docstring,
                error_on_invalid_docstring=error_on_invalid_docstring,
            )
        told = description if description is not None else _told_by(source, args_schema, parse_docstring)
        if told is None:
            raise InvalidInputError(
                f"Nothing describes the tool {called!r}; write a docstring for {source!r}, or give a description."
            )
        return cls(
            name=called,
            func=func,
            coroutine=coroutine,
            description=told.strip(),
            return_direct=return_direct,
            args_schema=args_schema,
            response_format=response_format,
            **kwargs,
        )


def _told_by(source: Callable[..., Any], args_schema: ArgsSchema | None, is_parsed: bool) -> str | None:
    """Return the description of a tool; a parsed docstring's is that of the arguments' model."""
    if source.__doc__ and not is_parsed:
        return inspect.cleandoc(source.__doc__)
    if isinstance(args_schema, dict):
        return args_schema.get("description")
    if args_schema is not None and args_schema.__doc__ and args_schema.__doc__ != BaseModel.__doc__:
        return inspect.cleandoc(args_schema.__doc__)
    return None
