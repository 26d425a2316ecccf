"""The `medsuite` command: its own commands, and those of the installed packages, loaded only when they are called."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from medsuite.core.errors import MedsuiteError

GROUP = "medsuite.commands"


@dataclass(frozen=True)
class LazyCommand:
    """A command known by its name and its one-line help until somebody calls it."""

    name: str
    help: str
    target: str

    @classmethod
    def of(cls, point: EntryPoint) -> "LazyCommand":
        """Describe a package's command from its entry point and the summary of its distribution."""
        summary = point.dist.metadata["Summary"] if point.dist else ""
        return cls(point.name, summary, point.value)

    def load(self) -> Any:
        """Import the Typer application and build its command."""
        module, _, attribute = self.target.partition(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = self.name
        return command


CLAIMS = "medsuite.core.claims.cli"
OWN = (
    LazyCommand("reproduce", "Measure the papers' claims and write one report.", f"{CLAIMS}:reproduce_app"),
    LazyCommand("claims", "List the registered claims, or decide a run anew.", f"{CLAIMS}:claims_app"),
    LazyCommand("doctor", "Show what is installed and what is missing.", "medsuite.core.doctor:app"),
)


@cache
def available() -> dict[str, LazyCommand]:
    """Return all commands by name: the core's own first, then those of the packages in alphabetical order."""
    commands = {command.name: command for command in OWN}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        commands.setdefault(point.name, LazyCommand.of(point))
    return commands


class LazyGroup(TyperGroup):
    """A command group that shows its commands without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(available())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a placeholder that carries name and help, or None for an unknown name."""
        command = available().get(cmd_name)
        return TyperCommand(command.name, help=command.help) if command else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is being called."""
        self.commands = {name: TyperCommand(name) for name in available()}
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, available()[name].load() if name and placeholder else placeholder, rest


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"medsuite-core {version('medsuite-core')}")
        raise typer.Exit
    return wanted


@app.callback()
def root(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    show_version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Research papers on medical AI and scientific machine learning, as software that shows its own evidence."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: a mistake of the user ends in one line on standard error and exit code 2.

    So does a file or folder that cannot be read or written. With `--debug` the traceback is shown.

    Args:
        arguments: The words after `medsuite`; those of the process when left out.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(words, prog_name="medsuite")
    except MedsuiteError as error:
        if "--debug" in words:
            raise
        typer.echo(f"medsuite: {error}", err=True)
        raise SystemExit(2) from error
    except OSError as error:
        if "--debug" in words or error.filename is None:
            raise
        typer.echo(f"medsuite: {error.filename}: {error.strerror}", err=True)
        raise SystemExit(2) from error
