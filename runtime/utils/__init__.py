"""Documented paths whose names are written elsewhere in the runtime."""

__all__: list[str] = []
