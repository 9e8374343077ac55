"""The group of commands. A command's module is imported when it is called, so `--help` is quick and needs none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ..exporters.errors import ExportError
from .text import OutputClosed, abandon_output

__all__ = ["Commands", "app", "main"]

_COMMANDS = {
    "demo": "Answer a question from text files, traced, and replay the run.",
    "events": "Replay the events of a trace, filtered, one a line.",
    "run": "Run a chain of a Python file and record it.",
    "show": "Show a trace as a tree.",
    "traces": "List the recorded traces.",
}


class Commands(click.Group):
    """A group whose commands are found by name: command `x` is the function `x` of the module `x` beside this one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands.

        Args:
            ctx: The context.
        """
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now; None if there is no such command.

        Args:
            ctx: The context.
            cmd_name: Its name.
        """
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f".{cmd_name}", __package__), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them.

        Args:
            ctx: The context.
            formatter: What the help is written to.
        """
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of stores and files become one line, and a reader that has gone ends it quietly.

        Args:
            ctx: The context.

        Raises:
            ClickException: If a store, a file or a setting cannot be used.
        """
        try:
            return super().invoke(ctx)
        except OutputClosed:
            abandon_output()
            return None
        except click.UsageError as error:
            if type(error) in (click.UsageError, click.BadParameter):  # these say what to do; others need the usage
                error.ctx = None
            raise
        except ExportError as error:
            raise click.ClickException(str(error)) from error


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .. import __version__

        click.echo(f"spanloom {__version__}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Run chains and look at what they did.

    Runs are recorded in a local store, ~/.local/state/spanloom/spans.db unless --store names another.
    """


def main() -> None:
    """Run the command `spanloom` with the arguments of the process, and end the process."""
    app(prog_name="spanloom")
