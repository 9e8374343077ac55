"""What all prompts share: variables go in, a prompt value comes out.

The run of a prompt records the input as it was given, also where a single value stands for the only variable. Prompts
do no I/O, so they are formatted on the event loop itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from ...tracing.scope import RunScope
from ..documents import Document
from ..exceptions import InvalidInputError, SpanloomError
from ..prompt_values import PromptValue
from ..runnables.composed import Local
from ..runnables.io import Io
from ..runnables.serializable import ComposedSerializable
from .saving import write_config

__all__ = ["BasePromptTemplate", "MissingVariableError", "aformat_document", "format_document", "shown_name"]


class MissingVariableError(SpanloomError, KeyError):
    """Variables that a prompt needs were not given."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class BasePromptTemplate(ComposedSerializable[Any, PromptValue], ABC):
    """A prompt with variables.

    Args:
        input_variables: Names that must be given.
        optional_variables: Names that may be given.
        input_types: Name -> type, where it is not text.
        output_parser: A parser that fits the answers to this prompt; only kept here.
        partial_variables: Name -> value, or a function called at each use.
        metadata: Metadata of this prompt's own runs.
        tags: Tags of this prompt's own runs.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    run_type: ClassVar[str] = "prompt"
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "none"
    always_shown: ClassVar[frozenset[str]] = frozenset({"input_variables", "input_types", "partial_variables"})

    input_variables: list[str] = Field(default_factory=list)
    optional_variables: list[str] = Field(default_factory=list)
    input_types: dict[str, Any] = Field(default_factory=dict, exclude=True)
    output_parser: Any = None
    partial_variables: Mapping[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    tags: list[str] | None = None

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold prompts."""
        return True

    @property
    def _prompt_type(self) -> str:
        """The kind of prompt, as saved prompts name it."""
        raise NotImplementedError

    def local(self) -> Local | None:
        """Return the tags and metadata of this prompt itself, or None."""
        return (None, self.tags, self.metadata) if self.tags or self.metadata else None

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the input as records show it: as it was given.

        Args:
            value: The input.
            scope: The run.
            kwargs: What the caller passed on.
        """
        return value

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> PromptValue:
        """Return the prompt value.

        Args:
            value: The variables as a mapping, or the value of the only one.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            MissingVariableError: If variables are missing.
            TypeError: If the input is no mapping and there is not exactly one variable.
        """
        values = self._checked(value)
        return self.format_prompt(**values) if io.blocking else await self.aformat_prompt(**values)

    def _checked(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            if len(self.input_variables) != 1:
                raise TypeError(
                    f"{type(self).__name__} was given {value!r}; give a mapping with {self.input_variables!r}, "
                    "or one value where there is one variable."
                )
            value = {self.input_variables[0]: value}
        missing = sorted(set(self.input_variables).difference(value))
        if missing:
            known = {*self.input_variables, *self.optional_variables, *self.partial_variables}
            unexpected = sorted(str(name) for name in set(value) - known)
            beside = f", and was given {unexpected!r}, which it does not know" if unexpected else ""
            raise MissingVariableError(
                f"{type(self).__name__} is missing variables {missing!r}{beside}. It needs {self.input_variables!r}. "
                f"If {missing[0]!r} is meant as text, double its braces: '{{{{{missing[0]}}}}}'."
            )
        return {str(name): given for name, given in value.items()}

    @abstractmethod
    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the prompt value for the variables.

        Args:
            kwargs: Name -> value.
        """

    async def aformat_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the prompt value for the variables, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return self.format_prompt(**kwargs)

    @abstractmethod
    def format(self, **kwargs: Any) -> Any:
        """Return the filled prompt: text, or a message for prompts of one message.

        Args:
            kwargs: Name -> value.
        """

    async def aformat(self, **kwargs: Any) -> Any:
        """Return the filled prompt, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return self.format(**kwargs)

    def partial(self, **kwargs: Any) -> Self:
        """Return a copy in which these variables have their values; the prompt itself is not changed.

        Args:
            kwargs: Name -> value, or a function without arguments that is called at each use.
        """
        left = [name for name in self.input_variables if name not in kwargs]
        return self.model_copy(
            update={"input_variables": left, "partial_variables": {**self.partial_variables, **kwargs}}
        )

    def save(self, file_path: str | Path) -> None:
        """Write the prompt to a file, which `prompts.loading.load_prompt` reads.

        Args:
            file_path: The file; its ending says which form, `.json`, `.yaml` or `.yml`. Its folder is made if missing.

        Raises:
            ImportError: If PyYAML is missing for a YAML file.
            InvalidInputError: If the file ends otherwise, or the prompt has partial variables, which may be functions.
            NotImplementedError: If prompts of this kind have no form in files; `load.dumps` writes any.
            OSError: If the file cannot be written.
            TypeError: If a value is neither JSON nor YAML.
        """
        if self.partial_variables:
            raise InvalidInputError(
                f"Cannot save a prompt with partial variables, and this one has {sorted(self.partial_variables)!r}; "
                "save it without them."
            )
        write_config(file_path, {**self.model_dump(), "_type": self._prompt_type})

    def _merge_partial_and_user_variables(self, **kwargs: Any) -> dict[str, Any]:
        """Return the partial variables and over them those given; subclasses call it in `format`."""
        if not self.partial_variables:
            return kwargs
        left = {name: value for name, value in self.partial_variables.items() if name not in kwargs}
        made = {name: value() if callable(value) else value for name, value in left.items()}
        return {**made, **kwargs}


def shown_name(name: str, *, html: bool) -> str:
    """Return a variable's name as prompts show it: in braces.

    Args:
        name: The name.
        html: Set it in bold yellow with terminal escapes.
    """
    return f"\033[33;1m\033[1;3m{{{name}}}\033[0m" if html else f"{{{name}}}"


def format_document(doc: Document, prompt: BasePromptTemplate) -> str:
    """Return the document as text, by a prompt over `page_content` and the keys of the metadata.

    Args:
        doc: The document.
        prompt: The prompt.

    Raises:
        InvalidInputError: If the prompt has a variable that the document lacks.
    """
    return str(prompt.format(**_values_of(doc, prompt)))


async def aformat_document(doc: Document, prompt: BasePromptTemplate) -> str:
    """Return the document as text, on an event loop; see `format_document`.

    Args:
        doc: The document.
        prompt: The prompt.

    Raises:
        InvalidInputError: If the prompt has a variable that the document lacks.
    """
    return str(await prompt.aformat(**_values_of(doc, prompt)))


def _values_of(doc: Document, prompt: BasePromptTemplate) -> dict[str, Any]:
    known = {"page_content": doc.page_content, **doc.metadata}
    missing = sorted(set(prompt.input_variables).difference(known))
    if missing:
        raise InvalidInputError(f"The document has no metadata {missing!r}; it has {sorted(doc.metadata)!r}.")
    return {name: known[name] for name in prompt.input_variables}
