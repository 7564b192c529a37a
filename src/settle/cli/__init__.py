"""The command line: reads arguments, calls the house, prints. No logic lives here."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from settle import __version__
from settle.errors import BadInput, ConfigError, RailError, SettleError

COMMANDS = {
    "demo": "demo", "nightly": "nightly", "net": "net", "explain": "explain", "files": "files",
    "fund": "fund", "failed": "failed", "correct": "correct", "payments": "payments",
    "approve": "payments", "resume": "payments", "rails": "rails", "simulator": "simulator",
}  # fmt: skip
"""The commands in the order of the help, and the module of each."""


def application(command: str = "") -> typer.Typer:
    """The whole command line; or that of one command, which loads no other's module."""
    app = typer.Typer(
        name="settle",
        help="Settle across borders: net exactly, pay once, prove every line.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback(invoke_without_command=True)(_options)
    wanted = [COMMANDS[command]] if command in COMMANDS else list(dict.fromkeys(COMMANDS.values()))
    for module in wanted:
        import_module(f"settle.cli.{module}").register(app)
    return app


def _options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Settle across borders: net exactly, pay once, prove every line."""
    if version:
        typer.echo(f"settle {__version__}")
        raise typer.Exit


def main() -> None:
    """The entry point. This turns an error into one line and an exit code."""
    try:
        application(*sys.argv[1:2])()
    except SettleError as error:
        typer.echo(f"settle: {error}", err=True)
        sys.exit(exit_code(error))
    except UnicodeEncodeError as error:
        # A byte of an argument that is no UTF-8 comes as half a character.
        text = ascii(error.object[error.start : error.end])
        typer.echo(f"settle: an argument holds {text}, which is not UTF-8", err=True)
        sys.exit(exit_code(BadInput(text)))


def exit_code(error: SettleError) -> int:
    """What an error that stopped a command means to the shell."""
    match error:
        case ConfigError() | BadInput():
            return 11
        case RailError():
            return 12
        case _:
            return 10
