"""Tools that take one text, made of a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, create_model

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from ..exceptions import InvalidInputError
from ..runnables.io_loop import in_thread
from .answers import ToolException
from .base import ArgsSchema, BaseTool
from .injection import injected_into

__all__ = ["Tool"]

_TOLD = "__arg1"
"""What models are told that the argument is called."""


class Tool(BaseTool):
    """A tool whose function takes one value, given by position; an event loop prefers the coroutine function.

    Args:
        name: What models call it.
        func: The function, or None where there is a coroutine function.
        description: What models are told about it.
        coroutine: The coroutine function.
    """

    func: Callable[..., Any] | None = None
    coroutine: Callable[..., Awaitable[Any]] | None = None

    def __init__(self, name: str, func: Callable[..., Any] | None, description: str, **kwargs: Any) -> None:
        super().__init__(**{"name": name, "func": func, "description": description, **kwargs})

    def get_input_schema(self, config: Any = None) -> type[BaseModel]:
        """Return the model that arguments are checked against; without `args_schema` it is one text.

        Args:
            config: Not used.
        """
        if self.args_schema is None and self._inferred is None:
            self._inferred = create_model(self.name, tool_input=(str, ...))
        return super().get_input_schema(config)

    @property
    def tool_call_schema(self) -> type[BaseModel] | dict[str, Any]:
        """The arguments as a model is told of them, under the tool's name and description."""
        if self.args_schema is not None:
            return super().tool_call_schema
        one = {_TOLD: {"title": _TOLD, "type": "string"}}
        told = {"title": self.name, "description": self.description}
        return {**told, "properties": one, "required": [_TOLD], "type": "object"}

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of the argument, by name."""
        return {"tool_input": {"type": "string"}} if self.args_schema is None else super().args

    def _source(self) -> Callable[..., Any]:
        return self.func or self.coroutine or self._run

    def _checked(self, args: Any, call_id: str | None) -> dict[str, Any]:
        given = args if self.args_schema is None else super()._checked(args, call_id)
        if not isinstance(given, dict):
            return {"tool_input": given}
        if len(given) != 1:
            raise ToolException(
                f"The tool {self.name} takes one value, but was given {given!r}; "
                "give it one, or make it a StructuredTool."
            )
        return {"tool_input": next(iter(given.values()))}

    def _run(self, tool_input: Any, *, run_manager: CallbackManagerForToolRun) -> Any:
        if self.func is None:
            raise NotImplementedError(f"{self.name} is made of a coroutine function; call it with ainvoke.")
        return self.func(tool_input, **injected_into(self.func, run_manager.scope, blocking=True))

    async def _arun(self, tool_input: Any, *, run_manager: AsyncCallbackManagerForToolRun) -> Any:
        scope = run_manager.scope
        if self.coroutine is not None:
            return await self.coroutine(tool_input, **injected_into(self.coroutine, scope, blocking=False))
        if self.func is None:
            raise NotImplementedError(f"{self.name} has neither func nor coroutine; give one.")
        return await in_thread(self.func, tool_input, **injected_into(self.func, scope, blocking=True))

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None,
        name: str,
        description: str,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        coroutine: Callable[..., Awaitable[Any]] | None = None,
        **kwargs: Any,
    ) -> Tool:
        """Return a tool made of a function.

        Args:
            func: The function.
            name: What models call it.
            description: What models are told about it.
            return_direct: Whether an agent should end with its answer.
            args_schema: A model of the one argument, or a JSON schema; a text when not given.
            coroutine: The coroutine function.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If there is neither function nor coroutine function.
        """
        if func is None and coroutine is None:
            raise InvalidInputError("A tool needs func or coroutine, but neither was given.")
        kwargs |= {"return_direct": return_direct, "args_schema": args_schema, "coroutine": coroutine}
        return cls(name=name, func=func, description=description, **kwargs)
