"""Describing: what a runnable tells of itself without running: types, schemas, graph, prompts, and what may be chosen.

Nothing here is worked out before somebody asks, and nothing at a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast, get_type_hints

from .config import RunnableConfig
from .fields import AnyConfigurableField, ConfigurableField, ConfigurableFieldSpec, get_unique_config_specs
from .running import Input, Output, Running
from .slots import Slots

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Describing"]

_PACKAGE = f"{__name__.partition('.')[0]}."


class Describing(Running[Input, Output], Generic[Input, Output]):
    """What every runnable tells of itself."""

    _is_dumped: ClassVar[bool] = False

    # Types and models --------------------------------------------------------------------------------------------

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of its input: what its class or function says, else Any."""
        return self._types()[0]

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of its output: what its class or function says, else Any."""
        return self._types()[1]

    def _types(self) -> tuple[Any, Any]:
        from .schemas import generic_types, types_of_kind

        said = generic_types(type(self), Running)
        known = types_of_kind(str(getattr(type(self), "run_type", "")))
        taken, given = (own if by_kind is Any else by_kind for own, by_kind in zip(said, known, strict=True))
        return taken, given

    @property
    def input_schema(self) -> type[BaseModel]:
        """A model of its input."""
        return self.get_input_schema()

    @property
    def output_schema(self) -> type[BaseModel]:
        """A model of its output."""
        return self.get_output_schema()

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of its input.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import model_of_fields, model_of_type

        if getattr(type(self), "run_type", None) == "prompt":
            return model_of_fields("PromptInput", _variables(self))
        return model_of_type(self.get_name("Input"), self.InputType)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of its output.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import model_of_type

        return model_of_type(self.get_name("Output"), self.OutputType)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """Return the JSON schema of its input.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import json_schema

        return json_schema(self.get_input_schema(config))

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """Return the JSON schema of its output.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import json_schema

        return json_schema(self.get_output_schema(config))

    def _input_before(self, later: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        """Return a model of the input of a sequence that begins with this and goes on to `later`."""
        return self.get_input_schema(config)

    def _output_after(self, before: Callable[[], type[BaseModel]], config: RunnableConfig | None) -> type[BaseModel]:
        """Return a model of the output of a sequence that ends with this after `before`."""
        return self.get_output_schema(config)

    # What may be chosen at run time -------------------------------------------------------------------------------

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What this, or what it runs, looks up under `configurable`.

        Raises:
            ValueError: If two of them claim one id for different things.
        """
        return get_unique_config_specs(spec for inner in self._inner() for spec in inner.config_specs)

    def _inner(self) -> Iterator[Describing[Any, Any]]:
        """Yield the runnables that this one runs, where it is ours."""
        if type(self).__module__.startswith(_PACKAGE):
            yield from _runnables_in(list(vars(self).values()))

    def config_schema(self, *, include: Sequence[str] | None = None) -> type[BaseModel]:
        """Return a model of the config that this takes.

        Args:
            include: Keys of a config to show besides `configurable`.
        """
        from .schemas import model_of_fields

        fields: dict[str, Any] = {}
        specs = self.config_specs
        if specs:
            inside = {spec.id: (spec.annotation, _described(spec)) for spec in specs}
            fields["configurable"] = (model_of_fields("Configurable", inside), None)
        hints = get_type_hints(RunnableConfig) if include else {}
        for key in include or ():
            if key in hints and key != "configurable":
                fields[key] = (hints[key], None)
        return model_of_fields(self.get_name("Config"), fields)

    def get_config_jsonschema(self, *, include: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the JSON schema of the config that this takes.

        Args:
            include: Keys of a config to show besides `configurable`.
        """
        from .schemas import json_schema

        return json_schema(self.config_schema(include=include))

    def configurable_fields(self, **kwargs: AnyConfigurableField) -> Any:
        """Return a runnable whose fields can be chosen at run time, under `configurable` in the config.

        It is no run of its own: only the runnable that is chosen is seen.

        Args:
            kwargs: Field name -> how it is chosen.

        Raises:
            TypeError: If a declaration is none.
            ValueError: If there is no such field, or a declaration is not whole.
        """
        return Slots.configurable_fields(self, kwargs)

    def configurable_alternatives(
        self, which: ConfigurableField, *, default_key: str = "default", prefix_keys: bool = False, **kwargs: Any
    ) -> Any:
        """Return a runnable in whose place another can be chosen at run time, under `configurable` in the config.

        It is no run of its own: only the runnable that is chosen is seen.

        Args:
            which: The key under `configurable`.
            default_key: The name of this one.
            prefix_keys: Whether the configurable fields of an alternative are named `<which>==<name>/<field>`.
            kwargs: Name -> a runnable, or a function without arguments that makes one when it is chosen.

        Raises:
            TypeError: If an alternative is neither.
            ValueError: If a name is given twice.
        """
        return Slots.configurable_alternatives(self, which, default_key, prefix_keys, kwargs)

    def _parameters(self) -> dict[str, Any]:
        """Return the arguments that would make an equal one, by name."""
        return {name: getattr(self, name) for name in _arguments(type(self)) if _has(self, name)}

    # Graph and prompts --------------------------------------------------------------------------------------------

    def get_graph(self, config: Any = None) -> Any:
        """Return the graph of what this runs, for drawings.

        Args:
            config: Values of configurable fields, where they change it.
        """
        return Slots.graph(self, config)

    def get_prompts(self, config: RunnableConfig | None = None) -> list[Any]:
        """Return the prompts in what this runs.

        Args:
            config: Values of configurable fields, where they change it.
        """
        nodes = self.get_graph(config).nodes.values()
        return [node.data for node in nodes if getattr(type(node.data), "run_type", None) == "prompt"]

    # Its name in dumps --------------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return whether dumps may hold this class; functions and what holds state may not."""
        return cls._is_dumped

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the path of names under which dumps file this class."""
        if cls._is_dumped and cls.__module__.startswith(_PACKAGE):
            return ["langchain", "schema", "runnable"]
        return cls.__module__.split(".")

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return the full name of this class in dumps: its namespace and its own name."""
        return [*cls.get_lc_namespace(), cls.__name__.partition("[")[0]]

    def to_json(self) -> dict[str, Any]:
        """Return how a dump begins to show this: its arguments are not yet JSON."""
        known: dict[str, Any] = {"lc": 1, "id": self.lc_id(), "name": self.get_name()}
        if not self.is_lc_serializable():
            return {**known, "type": "not_implemented", "repr": repr(self)}
        kwargs = {name: value for name, value in self._parameters().items() if value not in (None, [], {})}
        return {**known, "type": "constructor", "kwargs": kwargs}


def _arguments(kind: type) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]  # looked at only
    return [parameter.name for parameter in parameters if parameter.kind in kinds]


def _has(thing: Any, name: str) -> bool:
    return name in vars(thing) or hasattr(type(thing), name)


def _runnables_in(values: Any) -> Iterator[Describing[Any, Any]]:
    for value in values:
        if isinstance(value, Describing):
            yield value
        elif isinstance(value, Mapping):
            yield from _runnables_in(list(value.values()))
        elif isinstance(value, list | tuple):
            yield from _runnables_in(value)


def _described(spec: ConfigurableFieldSpec) -> Any:
    from pydantic import Field

    return Field(default=spec.default, title=spec.name, description=spec.description)


def _variables(prompt: Any) -> dict[str, Any]:
    types = cast("Mapping[str, Any]", prompt.input_types)
    needed = {name: (types.get(name, str), ...) for name in prompt.input_variables}
    return {**needed, **{name: (types.get(name, str), None) for name in prompt.optional_variables}}
