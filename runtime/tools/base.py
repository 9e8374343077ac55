"""Tools: functions with a name, a description and checked arguments, that a model may ask to be called.

A tool takes its arguments as a mapping, or as a text where it has one; or a model's tool call, and then it gives a tool
message. Its run records the arguments as a mapping; hooks get their text as well. What `_run` takes by the name
`run_manager` or `callbacks`, or as a `RunnableConfig`, is filled in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Annotated, Any, ClassVar, Literal, cast
from uuid import UUID

from pydantic import BaseModel, Field, PrivateAttr, SkipValidation, ValidationError

from ...tracing import names
from ...tracing.callbacks.manager import Callbacks
from ...tracing.lineage import SpanFacts
from ...tracing.scope import RunScope
from ..exceptions import InvalidInputError
from ..runnables.composed import Local
from ..runnables.config import RunnableConfig, merge_configs
from ..runnables.io import Io
from ..runnables.io_loop import in_thread
from ..runnables.serializable import ComposedSerializable, is_async_nearest
from .answers import ToolException, answer_of, shown_failure, split_result, taken_apart, told_failure
from .injection import injected_into
from .markers import InjectedToolArg, InjectedToolCallId, marks_of
from .schema import create_schema_from_function, model_of_subset

__all__ = [
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "InjectedToolArg",
    "InjectedToolCallId",
    "ToolException",
    "create_schema_from_function",
]

ArgsSchema = type[BaseModel] | dict[str, Any]
"""What describes the arguments of a tool: a model, or a JSON schema."""


class BaseTool(ComposedSerializable[Any, Any], ABC):
    """A tool; a subclass writes `_run`, and `_arun` where it can work on an event loop.

    Args:
        name: What models call it; also the name of its runs.
        description: What models are told about it.
        args_schema: A model of its arguments, or a JSON schema, against which nothing is checked; read from the
            signature of `_run` when not given.
        return_direct: Whether an agent should end with its answer.
        verbose: Accepted and without effect.
        callbacks: Handlers of this tool's own runs.
        tags: Tags of this tool's own runs.
        metadata: Metadata of this tool's own runs.
        handle_tool_error: What to answer when `ToolException` is raised: True for its message, a text, or a function of
            the exception; False to raise it.
        handle_validation_error: The same for arguments that do not fit.
        response_format: Whether it returns the content alone, or a pair of content and artifact.
        extras: What a provider wants to know besides.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    run_type: ClassVar[str] = "tool"
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "none"

    name: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    description: str
    args_schema: Annotated[ArgsSchema | None, SkipValidation] = None
    return_direct: bool = False
    verbose: bool = False
    callbacks: Any = Field(default=None, exclude=True)
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    handle_tool_error: bool | str | Callable[[ToolException], Any] | None = False
    handle_validation_error: bool | str | Callable[[ValidationError], Any] | None = False
    response_format: Literal["content", "content_and_artifact"] = "content"
    extras: dict[str, Any] | None = None

    _inferred: type[BaseModel] | None = PrivateAttr(default=None)

    @abstractmethod
    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work."""

    async def _arun(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work on an event loop; here in a worker thread."""
        return await in_thread(self._run, *args, **kwargs)

    # What it takes -----------------------------------------------------------------------------------------------

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return the model that arguments are checked against.

        Args:
            config: Not used.
        """
        if isinstance(self.args_schema, type):
            return self.args_schema
        if self._inferred is None:
            self._inferred = create_schema_from_function(self.name, self._run)
        return self._inferred

    @property
    def tool_call_schema(self) -> type[BaseModel] | dict[str, Any]:
        """The arguments as a model is told of them, under the tool's name and description."""
        if isinstance(self.args_schema, dict):
            return {"title": self.name, "description": self.description, **self.args_schema}
        return model_of_subset(self.get_input_schema(), self.name, self.description)

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of each argument that a model is told of, by name."""
        told = self.tool_call_schema
        schema = told if isinstance(told, dict) else told.model_json_schema()
        return dict(schema.get("properties", {}))

    @property
    def is_single_input(self) -> bool:
        """Whether it takes one argument, those that the program fills in not counted."""
        return len(self._argument_names()) == 1

    def _source(self) -> Callable[..., Any]:
        """Return the function that does the work."""
        return self._run

    def _marked(self) -> dict[str, bool]:
        """Return the arguments that the program fills in, and whether each is the call's id."""
        return marks_of(self._source(), self.args_schema if isinstance(self.args_schema, type) else None)

    def _argument_names(self) -> list[str]:
        if isinstance(self.args_schema, dict):
            return list(self.args_schema.get("properties", {}))
        marked = self._marked()
        return [name for name in self.get_input_schema().model_fields if name not in marked]

    def _as_mapping(self, args: Any) -> Any:
        """Return a text as the mapping of the first argument; anything else as it is."""
        if not isinstance(args, str):
            return args
        known = self._argument_names()
        return {known[0]: args} if known else {}

    def _checked(self, args: Any, call_id: str | None) -> dict[str, Any]:
        """Return the arguments, checked and converted, with defaults and with the call's id where it is asked for."""
        given = self._as_mapping(args)
        marked = self._marked()
        for name in (name for name, is_id in marked.items() if is_id):
            if call_id is None:
                raise InvalidInputError(
                    f"{self.name} takes the id of the tool call as {name!r}, but was given {args!r}; "
                    "call it with a tool call: {'type': 'tool_call', 'name': ..., 'args': ..., 'id': ...}."
                )
            given = {**given, name: call_id}
        if isinstance(self.args_schema, dict):
            return dict(given)
        model = self.get_input_schema().model_validate(given)
        made = {**{name: model.__dict__[name] for name in type(model).model_fields}, **(model.__pydantic_extra__ or {})}
        return {**{name: given[name] for name in marked if name in given}, **made} if marked else made

    # Its run -----------------------------------------------------------------------------------------------------

    def local(self) -> Local | None:
        """Return the callbacks, tags and metadata of this tool itself, or None."""
        own = self.callbacks, self.tags, self.metadata
        return own if any(own) else None

    def span_facts(self) -> SpanFacts:
        """Return what the span says besides: which tool is executed."""
        attributes = {names.OPERATION_NAME: "execute_tool", names.TOOL_NAME: self.name}
        return SpanFacts(name=f"execute_tool {self.name}", attributes=attributes)

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the arguments as records show them; hooks also get their text and the tool call's id.

        Args:
            value: A text, a mapping of arguments, or a tool call.
            scope: The run.
            kwargs: What the caller passed on.
        """
        args, call_id = taken_apart(value)
        if isinstance(args, dict) and (marked := self._marked()):
            args = {name: told for name, told in args.items() if name not in marked}
        scope.details = {
            "tool_call_id": call_id,
            "serialized": {"name": self.name, "description": self.description},
            "start": (args if isinstance(args, str) else str(args) if scope.handlers else "",),
            "start_kwargs": {"inputs": args if isinstance(args, dict) else None, "tool_call_id": call_id},
        }
        return self._as_mapping(args)

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the tool's answer: a tool message where a tool call was given, else the content.

        Args:
            value: A text, a mapping of arguments, or a tool call.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If a pair of content and artifact was promised and something else was returned.
            ToolException: If the tool raised it and `handle_tool_error` is not set.
            pydantic.ValidationError: If the arguments do not fit and `handle_validation_error` is not set.
        """
        args, call_id = taken_apart(value)
        try:
            result = await self._executed(self._positional(args), self._checked(args, call_id), io)
            content, artifact = split_result(result, self.response_format)
        except ValidationError as err:
            if not self.handle_validation_error:
                raise
            return answer_of(told_failure(err, self.handle_validation_error), None, call_id, self.name, "error")
        except ToolException as err:
            if not self.handle_tool_error:
                raise
            return answer_of(shown_failure(err, self.handle_tool_error), None, call_id, self.name, "error")
        return answer_of(content, artifact, call_id, self.name)

    def _positional(self, args: Any) -> tuple[Any, ...]:
        """Return a text as the one positional argument of a tool that names none but takes any."""
        if not isinstance(args, str) or self._argument_names():
            return ()
        kinds = {parameter.kind for parameter in signature(self._source()).parameters.values()}
        return (args,) if Parameter.VAR_POSITIONAL in kinds else ()

    async def _executed(self, words: tuple[Any, ...], arguments: dict[str, Any], io: Io) -> Any:
        on_loop = not io.blocking and type(self)._arun is not BaseTool._arun
        if on_loop and is_async_nearest(type(self), "_arun", "_run"):
            return await self._arun(*words, **{**arguments, **injected_into(self._arun, io.scope, blocking=False)})
        return await io.call(self._run, *words, **{**arguments, **injected_into(self._run, io.scope, blocking=True)})

    def run(
        self,
        tool_input: str | dict[str, Any],
        verbose: bool | None = None,
        start_color: str | None = None,
        color: str | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        config: RunnableConfig | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the tool's answer; as `invoke`, with the config in single arguments.

        Args:
            tool_input: A text or a mapping of arguments.
            verbose: Accepted and without effect.
            start_color: Accepted and without effect.
            color: Accepted and without effect.
            callbacks: Handlers, or a manager.
            tags: Tags of the run and its descendants.
            metadata: Metadata of the run and its descendants.
            run_name: The run's name.
            run_id: The run's id.
            config: What the arguments above are merged over.
            tool_call_id: The id of the tool call that is answered; makes the answer a tool message.
            kwargs: Accepted and without effect.
        """
        made = _config_of(config, callbacks, tags, metadata, run_name, run_id)
        return self.invoke(self._as_call(tool_input, tool_call_id), made)

    async def arun(
        self,
        tool_input: str | dict[str, Any],
        verbose: bool | None = None,
        start_color: str | None = None,
        color: str | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        config: RunnableConfig | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the tool's answer, on an event loop; as `ainvoke`, with the config in single arguments.

        Args:
            tool_input: A text or a mapping of arguments.
            verbose: Accepted and without effect.
            start_color: Accepted and without effect.
            color: Accepted and without effect.
            callbacks: Handlers, or a manager.
            tags: Tags of the run and its descendants.
            metadata: Metadata of the run and its descendants.
            run_name: The run's name.
            run_id: The run's id.
            config: What the arguments above are merged over.
            tool_call_id: The id of the tool call that is answered; makes the answer a tool message.
            kwargs: Accepted and without effect.
        """
        made = _config_of(config, callbacks, tags, metadata, run_name, run_id)
        return await self.ainvoke(self._as_call(tool_input, tool_call_id), made)

    def _as_call(self, args: Any, call_id: str | None) -> Any:
        return args if call_id is None else {"name": self.name, "args": args, "id": call_id, "type": "tool_call"}


class BaseToolkit(BaseModel, ABC):
    """A set of tools that belong together."""

    @abstractmethod
    def get_tools(self) -> list[BaseTool]:
        """Return the tools."""


def _config_of(
    config: RunnableConfig | None, callbacks: Any, tags: Any, metadata: Any, run_name: str | None, run_id: UUID | None
) -> RunnableConfig:
    given = {"callbacks": callbacks, "tags": tags, "metadata": metadata, "run_name": run_name, "run_id": run_id}
    return merge_configs(config, cast(RunnableConfig, {key: value for key, value in given.items() if value}))
