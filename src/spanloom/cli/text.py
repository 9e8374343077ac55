"""What stands on standard output: colours only where they are wanted, lines cut to a terminal, pipes that may close.

Names and values come from outside: control characters in them are shown, never sent to the terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata

import click

__all__ = [
    "OutputClosed",
    "abandon_output",
    "columns",
    "cut",
    "has_color",
    "line_width",
    "note",
    "one_line",
    "out",
    "took",
    "visible",
]


class OutputClosed(Exception):
    """Who reads our output has gone, as `head` does when it has its lines."""


def out(text: str, *, newline: bool = True) -> None:
    """Write to standard output at once; characters that it cannot show become `?`.

    Args:
        text: The text.
        newline: Whether to end the line.

    Raises:
        OutputClosed: If nobody reads any more.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    safe = text if text.isascii() else text.encode(encoding, "replace").decode(encoding)
    try:
        click.echo(safe, nl=newline, color=True)
    except BrokenPipeError as error:
        raise OutputClosed from error


def note(text: str) -> None:
    """Write a line to standard error; a closed one is passed over.

    Args:
        text: The line.
    """
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    try:
        click.echo(text.encode(encoding, "replace").decode(encoding), err=True)
    except BrokenPipeError:
        return


def abandon_output() -> None:
    """Send the rest of standard output nowhere, so that the end of the process does not complain about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def has_color() -> bool:
    """Return whether standard output wants colours: a terminal that is not dumb, and no NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def line_width() -> int | None:
    """Return how wide a line may be: that of the terminal, or of COLUMNS where it is set; None means any width."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdigit():
        return None
    return max(20, shutil.get_terminal_size().columns)


def visible(text: str) -> str:
    """Return the text with control characters as escapes.

    Args:
        text: Any text.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return the text as one line without control characters; white space becomes single spaces.

    Args:
        text: Any text.
    """
    return visible(" ".join(text.split()))


def cut(line: str, width: int | None) -> str:
    """Return the line, cut to the width where it is longer; wide characters count two.

    Args:
        line: A line.
        width: The most columns; None means any number.
    """
    if width is None or _cells(line) <= width:
        return line
    kept, used = [], 1
    for char in line:
        used += _cells(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept) + "…"


def columns(rows: list[list[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Return the rows as lines with aligned columns, two spaces between.

    Args:
        rows: Rows of equal length.
        right: The places of the columns that are aligned to the right.
    """
    widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for place, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - _cells(text))
            cells.append(space + text if place in right else text + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def took(duration_ns: int) -> str:
    """Return a duration for a table.

    Args:
        duration_ns: In nanoseconds.
    """
    return f"{duration_ns / 1e9:.2f} s" if duration_ns >= 1_000_000_000 else f"{duration_ns / 1e6:.1f} ms"
