"""Settings from the environment, by the documented import path; nothing else lives here."""

from ..environment import env_var_is_set, get_from_dict_or_env, get_from_env

__all__ = ["env_var_is_set", "get_from_dict_or_env", "get_from_env"]
