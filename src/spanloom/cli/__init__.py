"""The command `spanloom`: run a chain, list traces, show one, replay its events.

Exit codes: 0 all right; 1 it ran and failed, or there is nothing to show; 2 the command was not understood. Colours
stand only on a terminal, and not when NO_COLOR is set (no-color.org).
"""

from .app import main

__all__ = ["main"]
