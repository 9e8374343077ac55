"""Settings and secrets, by the documented import path; nothing else lives here."""

from ..environment import convert_to_secret_str, from_env, secret_from_env

__all__ = ["convert_to_secret_str", "from_env", "secret_from_env"]
