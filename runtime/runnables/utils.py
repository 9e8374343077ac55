"""Names that programs import from here; nothing else lives here."""

from .addable import AddableDict
from .base import Input, Output

__all__ = ["AddableDict", "Input", "Output"]
