"""Prompts from files, as `save` writes them.

A file may name further files, beside it or below: `template_path`, `prefix_path` and `suffix_path`, which end in
`.txt`, `example_prompt_path`, and `examples`. A configuration may come from a stranger, so these names lead out of its
folder only where the caller allows it, no other files are shown as templates, and jinja2 is refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..exceptions import InvalidInputError
from .few_shot import FewShotPromptTemplate
from .few_shot_with_templates import FewShotPromptWithTemplates
from .saving import read_config
from .template import PromptTemplate, StringPromptTemplate

__all__ = ["load_prompt", "load_prompt_from_config"]

_KINDS: dict[str, type[StringPromptTemplate]] = {
    "prompt": PromptTemplate,
    "few_shot": FewShotPromptTemplate,
    "few_shot_with_templates": FewShotPromptWithTemplates,
}


def load_prompt(
    path: str | Path, encoding: str | None = None, *, allow_dangerous_paths: bool = False
) -> StringPromptTemplate:
    """Return the prompt that a file holds.

    Args:
        path: The file; it ends in `.json`, `.yaml` or `.yml`.
        encoding: How it and the files it names are encoded; UTF-8 when not given.
        allow_dangerous_paths: Let the file name others anywhere.

    Raises:
        ImportError: If PyYAML is missing for a YAML file.
        InvalidInputError: If the file holds no prompt, or names a file elsewhere.
        OSError: If a file cannot be read.
        pydantic.ValidationError: If a field is missing, or a value does not fit its field.
    """
    config = read_config(path, encoding or "utf-8")
    if not isinstance(config, Mapping):
        raise InvalidInputError(f"{str(path)!r} holds {config!r}, which is no prompt; expected a mapping of fields.")
    return _Loader(Path(path).parent, encoding or "utf-8", free=allow_dangerous_paths).prompt(config)


def load_prompt_from_config(config: Mapping[str, Any], *, allow_dangerous_paths: bool = False) -> StringPromptTemplate:
    """Return the prompt of a configuration; files that it names stand below the working directory.

    Args:
        config: The fields, with `_type`.
        allow_dangerous_paths: Let it name files anywhere.

    Raises:
        ImportError: If PyYAML is missing for a YAML file.
        InvalidInputError: If it is no prompt, or names a file elsewhere.
        OSError: If a file cannot be read.
        pydantic.ValidationError: If a field is missing, or a value does not fit its field.
    """
    return _Loader(Path(), "utf-8", free=allow_dangerous_paths).prompt(config)


class _Loader:
    def __init__(self, folder: Path, encoding: str, *, free: bool) -> None:
        self.folder, self.encoding, self.free = folder, encoding, free

    def prompt(self, config: Mapping[str, Any]) -> StringPromptTemplate:
        fields = dict(config)
        kind = fields.pop("_type", "prompt")
        made = _KINDS.get(kind) if isinstance(kind, str) else None
        if made is None:
            raise InvalidInputError(f"Cannot load a prompt of the type {kind!r}; expected one of {list(_KINDS)!r}.")
        if fields.get("template_format") == "jinja2":
            raise InvalidInputError("Cannot load a template in jinja2, which may come from a stranger; use f-string.")
        for name in ("template", "prefix", "suffix"):
            if f"{name}_path" in fields:
                fields[name] = self._text(fields.pop(f"{name}_path"))
        if "example_prompt_path" in fields:
            fields["example_prompt"] = self._config(fields.pop("example_prompt_path"))
        if isinstance(fields.get("examples"), str):
            fields["examples"] = self._config(fields["examples"])
        for name in ("example_prompt", "prefix", "suffix"):
            if isinstance(fields.get(name), Mapping):
                fields[name] = self.prompt(fields[name])
        return made(**fields)

    def _text(self, name: Any) -> str:
        file = self._file(name)
        if file.suffix != ".txt":
            raise InvalidInputError(f"The prompt takes its template from {str(name)!r}; such a file must end in .txt.")
        return file.read_text(encoding=self.encoding)

    def _config(self, name: Any) -> Any:
        return read_config(self._file(name), self.encoding)

    def _file(self, name: Any) -> Path:
        path = Path(str(name))
        inside = (self.folder / path).resolve().is_relative_to(self.folder.resolve())
        if not self.free and (path.is_absolute() or ".." in path.parts or not inside):
            raise InvalidInputError(
                f"The prompt names the file {str(name)!r}, which leads out of its folder; give a relative path below "
                "it, or pass allow_dangerous_paths=True if you trust the prompt."
            )
        return self.folder / path
