"""The bodies of InvokeModel, one form per family of models, without any I/O."""

from .asking import Answer, Ask, Piece
from .decoding import Decoder
from .families import Family
from .routing import family_of

__all__ = ["Answer", "Ask", "Decoder", "Family", "Piece", "family_of"]
