"""The Runnable interface: it runs (`running`), tells of itself (`describing`), and composes (here)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, cast

from .config import RunnableConfig
from .describing import Describing
from .running import Input, Output
from .slots import Slots

__all__ = ["Input", "Output", "Runnable"]

_ABOVE = {
    "RunnableBinding": "binding",
    "RunnableEach": "each",
    "RunnableGenerator": "generator",
    "RunnableLambda": "function",
    "RunnableMap": "parallel",
    "RunnableParallel": "parallel",
    "RunnableSequence": "sequence",
    "RunnableSerializable": "serializable",
    "chain": "function",
    "coerce_to_runnable": "coerce",
}
"""Name -> module, for names that programs import from here; they stand above, so they are found when asked for."""


class Runnable(Describing[Input, Output], Generic[Input, Output]):
    """A unit of work that can be invoked, batched, streamed and composed."""

    def __or__(self, other: Any) -> Runnable[Input, Any]:
        """Return a sequence of this and the other."""
        return cast("Runnable[Input, Any]", Slots.sequence(self, Slots.coerce(other)))

    def __ror__(self, other: Any) -> Runnable[Any, Output]:
        """Return a sequence of the other and this."""
        return cast("Runnable[Any, Output]", Slots.sequence(Slots.coerce(other), self))

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[Input, Any]:
        """Return a sequence of this and the others.

        Args:
            others: Runnables, mappings or functions.
            name: The name of the sequence.
        """
        return cast("Runnable[Input, Any]", Slots.sequence(self, *others, name=name))

    def bind(self, **kwargs: Any) -> Runnable[Input, Output]:
        """Return a runnable that passes these arguments on every call.

        Args:
            kwargs: The arguments.
        """
        return cast("Runnable[Input, Output]", Slots.binding(bound=self, kwargs=kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Runnable[Input, Output]:
        """Return a runnable with this config bound; what a call says is merged over it.

        Args:
            config: The config.
            kwargs: Keys of the config.
        """
        merged = cast(RunnableConfig, {**(config or {}), **kwargs})
        return cast("Runnable[Input, Output]", Slots.binding(bound=self, config=merged))

    def with_types(
        self, *, input_type: type[Any] | None = None, output_type: type[Any] | None = None
    ) -> Runnable[Input, Output]:
        """Return a runnable that says which types it takes and gives.

        Args:
            input_type: The type of its input.
            output_type: The type of its output.
        """
        made = Slots.binding(bound=self, custom_input_type=input_type, custom_output_type=output_type)
        return cast("Runnable[Input, Output]", made)

    def map(self) -> Runnable[Sequence[Input], list[Output]]:
        """Return a runnable over lists: each item is run, the outputs keep their order."""
        return cast("Runnable[Sequence[Input], list[Output]]", Slots.each(self))

    def assign(self, **kwargs: Any) -> Runnable[Any, Any]:
        """Return a runnable that adds keys to this one's output, a mapping.

        Args:
            kwargs: What makes each key's value: runnables, mappings or functions over the whole mapping.
        """
        return cast("Runnable[Any, Any]", Slots.sequence(self, Slots.assign(kwargs)))

    def pick(self, keys: str | list[str]) -> Runnable[Any, Any]:
        """Return a runnable that picks from this one's output, a mapping.

        Args:
            keys: One key for its value, or a list for a smaller mapping.
        """
        return cast("Runnable[Any, Any]", Slots.sequence(self, Slots.pick(keys)))

    def with_retry(
        self,
        *,
        retry_if_exception_type: tuple[type[BaseException], ...] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: Mapping[str, float] | None = None,
        stop_after_attempt: int = 3,
    ) -> Runnable[Input, Output]:
        """Return a runnable that is tried again when it fails; a stream is tried again before its first chunk only.

        Args:
            retry_if_exception_type: Which exceptions may pass at another attempt.
            wait_exponential_jitter: Whether to wait between attempts, longer each time and with jitter.
            exponential_jitter_params: `initial`, `max`, `exp_base` and `jitter` of the waits, in seconds.
            stop_after_attempt: How many attempts there are at most.

        Raises:
            ValueError: If there is to be no attempt at all.
        """
        made = Slots.retry(
            bound=self,
            retry_exception_types=retry_if_exception_type,
            wait_exponential_jitter=wait_exponential_jitter,
            exponential_jitter_params=exponential_jitter_params,
            max_attempt_number=stop_after_attempt,
        )
        return cast("Runnable[Input, Output]", made)

    def with_fallbacks(
        self,
        fallbacks: Sequence[Runnable[Input, Output]],
        *,
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> Runnable[Input, Output]:
        """Return a runnable that goes on to the next of these when it fails; a stream before its first chunk only.

        Args:
            fallbacks: What to try, in order.
            exceptions_to_handle: Which exceptions lead on.
            exception_key: Where in the input, a mapping, the next one finds the exception.
        """
        made = Slots.fallbacks(
            runnable=self,
            fallbacks=list(fallbacks),
            exceptions_to_handle=exceptions_to_handle,
            exception_key=exception_key,
        )
        return cast("Runnable[Input, Output]", made)

    def with_listeners(
        self,
        *,
        on_start: Callable[..., Any] | None = None,
        on_end: Callable[..., Any] | None = None,
        on_error: Callable[..., Any] | None = None,
    ) -> Runnable[Input, Output]:
        """Return a runnable with functions that are told of its own runs, not of their children.

        Args:
            on_start: Called with the run, or the run and its config, when it starts.
            on_end: Called when it has ended well.
            on_error: Called when it has ended by an exception.
        """
        return cast("Runnable[Input, Output]", Slots.listeners(self, on_start, on_end, on_error))

    def with_alisteners(
        self,
        *,
        on_start: Callable[..., Any] | None = None,
        on_end: Callable[..., Any] | None = None,
        on_error: Callable[..., Any] | None = None,
    ) -> Runnable[Input, Output]:
        """Return a runnable with coroutine functions that are told of its own runs, awaited in order.

        Args:
            on_start: Awaited with the run, or the run and its config, when it starts.
            on_end: Awaited when it has ended well.
            on_error: Awaited when it has ended by an exception.
        """
        return cast("Runnable[Input, Output]", Slots.alisteners(self, on_start, on_end, on_error))

    def as_tool(
        self,
        args_schema: Any = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return a tool that runs this.

        Args:
            args_schema: The model of its arguments.
            name: The tool's name.
            description: What a model is told of it.
            arg_types: The types of its arguments, where there is no schema.
        """
        return Slots.tool(self, args_schema, name=name, description=description, arg_types=arg_types)


if not TYPE_CHECKING:  # checkers would take it for leave to import any name

    def __getattr__(name: str) -> Any:
        if name not in _ABOVE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import_module(__package__)  # it fills the slots
        return getattr(import_module(f".{_ABOVE[name]}", __package__), name)
