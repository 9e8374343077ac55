"""Checks of the files in this folder that need neither Grafana nor Docker.

Each file is held against the JSON schema of its kind, which lists only what we use, so that a misspelt key is found
where Grafana would silently ignore it. Boards are then read for what no schema can say: unique ids, panels that do not
overlap, data sources that are variables, units, and attribute names that exist in `spanloom.tracing.names`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from .lint import board_problems

__all__ = ["check", "default_paths"]

_HERE = Path(__file__).parent
_KINDS: tuple[tuple[str, Path], ...] = (
    ("panels", _HERE / "grafana" / "board.schema.json"),
    ("services", _HERE / "compose" / "compose.schema.json"),
    ("datasources", _HERE / "grafana" / "provisioning.schema.json"),
    ("providers", _HERE / "grafana" / "provisioning.schema.json"),
)


def default_paths() -> list[Path]:
    """Return the boards, compose files and provisioning files that are shipped, in a fixed order."""
    shipped = [*_HERE.glob("compose/*.yaml"), *_HERE.glob("grafana/provisioning/*/*.yaml")]
    return sorted([*shipped, *_HERE.glob("grafana/boards/*.json")])


def check(paths: Iterable[Path] | None = None, *, schema: Path | None = None) -> list[str]:
    """Return what is wrong with these files, one line each; an empty list means that nothing was found.

    Args:
        paths: Boards (`.json`), compose files and Grafana provisioning files (`.yaml`); the shipped ones if not given.
        schema: A JSON schema that boards are held against as well, for example Grafana's own.

    Raises:
        ModuleNotFoundError: If jsonschema or PyYAML is not installed.
    """
    wanted = default_paths() if paths is None else paths
    return [f"{path}: {problem}" for path in wanted for problem in _file_problems(path, schema)]


def _file_problems(path: Path, schema: Path | None) -> Iterator[str]:
    try:
        data = _read(path)
    except (OSError, ValueError) as err:
        yield f"cannot be read: {err}"
        return
    kind = next(((key, file) for key, file in _KINDS if isinstance(data, dict) and key in data), None)
    if kind is None:
        yield "is no board, compose file or provisioning file: none of their top-level keys is there"
        return
    yield from _schema_problems(data, kind[1])
    if kind[0] == "panels":
        if schema is not None:
            yield from _schema_problems(data, schema)
        yield from board_problems(data)
    elif kind[0] == "services":
        yield from _mount_problems(data, path)


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    yaml = _module("yaml", "pip install 'spanloom[yaml]'")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise ValueError(str(err)) from err


def _schema_problems(data: Any, schema: Path) -> Iterator[str]:
    jsonschema = _module("jsonschema", "pip install jsonschema")
    contract = json.loads(schema.read_text(encoding="utf-8"))
    validator: Any = jsonschema.validators.validator_for(contract)(contract)
    best_match: Callable[[list[Any]], Any] = jsonschema.exceptions.best_match
    for error in validator.iter_errors(data):
        deepest = best_match([error]) or error
        yield f"{deepest.json_path}: {deepest.message} ({schema.name})"


def _mount_problems(data: dict[str, Any], path: Path) -> Iterator[str]:
    """A mount of a folder that is not there starts an empty Grafana without a word."""
    services = data["services"]
    for name, service in services.items() if isinstance(services, dict) else ():
        mounts = service.get("volumes", []) if isinstance(service, dict) else []
        for mount in (m for m in mounts if isinstance(m, str)):
            source = mount.partition(":")[0]
            if source.startswith(".") and not (path.parent / source).exists():
                yield f"$.services.{name}.volumes: there is no {source!r} beside this file"


def _module(name: str, command: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as err:
        raise ModuleNotFoundError(
            f"Checking these files needs {name!r}, which is not installed. Run: {command}"
        ) from err
