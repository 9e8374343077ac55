"""Dumps: objects as JSON text, and back.

Loading builds only classes of this package that say `is_lc_serializable`, or those that the caller lists; never a class
just because the text names it. What cannot be dumped leaves a `not_implemented` entry with its `repr`. Secrets are
never written: in their place stands the name of the environment variable that holds them.
"""

from .dump import dumpd, dumps
from .load import InitValidator, load, loads
from .serializable import Serializable

__all__ = ["InitValidator", "Serializable", "dumpd", "dumps", "load", "loads"]
