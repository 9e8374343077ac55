"""Settings and secrets from the environment: for the fields of models that programs write.

An empty variable counts as absent for `get_from_env` and `get_from_dict_or_env`; the factories of `from_env` and
`secret_from_env` take it as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from .exceptions import InvalidInputError

__all__ = [
    "convert_to_secret_str",
    "env_var_is_set",
    "from_env",
    "get_from_dict_or_env",
    "get_from_env",
    "secret_from_env",
]

_FALSE = frozenset({"", "0", "false", "False"})
_REQUIRED: Any = object()


def get_from_dict_or_env(
    data: Mapping[str, Any], key: str | Sequence[str], env_key: str, default: str | None = None
) -> Any:
    """Return a setting: from a mapping, else from the environment, else the default.

    Args:
        data: The mapping; an empty value counts as absent.
        key: The setting's name there, or several, the first found wins.
        env_key: The variable's name.
        default: What stands where neither has it.

    Raises:
        InvalidInputError: If neither has it and there is no default.
    """
    keys = (key,) if isinstance(key, str) else tuple(key)
    for name in keys:
        if data.get(name):
            return data[name]
    return get_from_env(keys[0], env_key, default)


def get_from_env(key: str, env_key: str, default: str | None = None) -> str:
    """Return a setting from the environment, else the default.

    Args:
        key: What the setting is called, for the error.
        env_key: The variable's name.
        default: What stands where it is absent.

    Raises:
        InvalidInputError: If it is absent and there is no default.
    """
    value = os.environ.get(env_key) or default
    if value is None:
        raise InvalidInputError(f"{key!r} was not found; set the environment variable {env_key}, or pass {key!r}.")
    return value


def env_var_is_set(env_var: str) -> bool:
    """Return whether a variable is set, and neither empty nor `0` nor `false`.

    Args:
        env_var: Its name.
    """
    return os.environ.get(env_var, "") not in _FALSE


def from_env(
    key: str | Sequence[str], /, *, default: str | None = _REQUIRED, error_message: str | None = None
) -> Callable[[], str | None]:
    """Return a default factory that reads a variable.

    Args:
        key: The variable's name, or several, the first found wins.
        default: What the factory returns where none is set; it raises InvalidInputError when not given.
        error_message: The text of that error.
    """
    names = (key,) if isinstance(key, str) else tuple(key)

    def factory() -> str | None:
        for name in names:
            if name in os.environ:
                return os.environ[name]
        if default is not _REQUIRED:
            return default
        raise InvalidInputError(error_message or f"None of {list(names)!r} is set; set one, or pass the value.")

    return factory


def secret_from_env(
    key: str | Sequence[str], /, *, default: str | None = _REQUIRED, error_message: str | None = None
) -> Callable[[], SecretStr | None]:
    """Return a default factory that reads a secret from a variable.

    Args:
        key: The variable's name, or several, the first found wins.
        default: What the factory returns where none is set; it raises InvalidInputError when not given.
        error_message: The text of that error.
    """
    read = from_env(key, default=default, error_message=error_message)

    def factory() -> SecretStr | None:
        value = read()
        return None if value is None else SecretStr(value)

    return factory


def convert_to_secret_str(value: SecretStr | str) -> SecretStr:
    """Return the value as a secret.

    Args:
        value: The value.
    """
    return value if isinstance(value, SecretStr) else SecretStr(value)
