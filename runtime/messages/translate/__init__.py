"""Providers' content blocks in the standard form, a module per provider.

A translator takes a provider's block and returns the standard one, or None for a block that is not in its provider's
form. The forms do not overlap, so each is told by its shape alone and a conversation may mix providers.
"""

from .view import standard_blocks

__all__ = ["standard_blocks"]
