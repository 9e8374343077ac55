"""Documented paths whose names are written elsewhere in the runtime."""

from ..environment import convert_to_secret_str, from_env, get_from_dict_or_env, get_from_env, secret_from_env

__all__ = ["convert_to_secret_str", "from_env", "get_from_dict_or_env", "get_from_env", "secret_from_env"]
