"""Configurations of prompts in files, as JSON or YAML.

YAML needs the package PyYAML: `pip install 'spanloom[yaml]'`.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..exceptions import InvalidInputError

__all__ = ["read_config", "write_config"]

_YAML = (".yaml", ".yml")


def write_config(path: str | Path, config: Mapping[str, Any]) -> None:
    """Write a configuration to a file, whose folder is made if it is missing.

    Args:
        path: The file; its ending says which form, `.json`, `.yaml` or `.yml`.
        config: The configuration.

    Raises:
        ImportError: If PyYAML is missing for a YAML file.
        InvalidInputError: If the file ends otherwise.
        OSError: If the file cannot be written.
        TypeError: If a value is neither JSON nor YAML.
    """
    file = _known(path)
    if file.suffix == ".json":
        text = json.dumps(config, indent=4)
    else:
        text = _yaml().dump(json.loads(json.dumps(config)), default_flow_style=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def read_config(path: str | Path, encoding: str = "utf-8") -> Any:
    """Return what a JSON or YAML file holds; YAML may only hold plain values.

    Args:
        path: The file; its ending says which form, `.json`, `.yaml` or `.yml`.
        encoding: How it is encoded.

    Raises:
        ImportError: If PyYAML is missing for a YAML file.
        InvalidInputError: If the file ends otherwise, or is malformed.
        OSError: If the file cannot be read.
    """
    file = _known(path)
    text = file.read_text(encoding=encoding)
    parse, error = (json.loads, ValueError) if file.suffix == ".json" else (_yaml().safe_load, _yaml().YAMLError)
    try:
        return parse(text)
    except error as err:
        raise InvalidInputError(f"{str(path)!r} holds no {file.suffix[1:]}: {err}") from err


def _known(path: str | Path) -> Path:
    file = Path(path)
    if file.suffix not in (".json", *_YAML):
        raise InvalidInputError(f"{str(path)!r} must be json or yaml: let it end in .json, .yaml or .yml.")
    return file


def _yaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError as err:
        raise ImportError("Prompts in YAML need the package PyYAML: pip install 'spanloom[yaml]'") from err
