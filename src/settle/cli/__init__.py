"""The command line: reads arguments, calls the house, prints. No logic lives here."""

from __future__ import annotations

import os
import sys

import click

from settle import __version__
from settle.cli.commands import LazyCommands
from settle.errors import BadInput, ConfigError, RailError, SettleError

COMMANDS = {
    "demo": "demo", "nightly": "nightly", "net": "net", "explain": "explain", "files": "files",
    "fund": "fund", "failed": "failed", "correct": "correct", "payments": "payments",
    "approve": "payments", "controls": "controls", "screening": "screening",
    "exchanges": "exchanges", "backup": "backup", "restore": "backup", "search": "backup",
    "resume": "backup", "audit": "audit", "rails": "rails", "simulator": "simulator",
    "simulate": "simulate",
}  # fmt: skip
"""The commands in the order of the help, and the module of each."""


@click.group(
    "settle",
    cls=LazyCommands,
    modules={name: f"settle.cli.{module}" for name, module in COMMANDS.items()},
    context_settings={"show_default": True},
)
@click.version_option(__version__, message="settle %(version)s", help="Print the version.")
def application() -> None:
    """Settle across borders: net exactly, pay once, prove every line."""


def main() -> None:
    """The entry point. This turns an error into one line and an exit code."""
    try:
        application()
    except SettleError as error:
        click.echo(f"settle: {error}", err=True)
        sys.exit(exit_code(error))
    except UnicodeEncodeError as error:
        # A byte of an argument that is no UTF-8 comes as half a character.
        text = ascii(error.object[error.start : error.end])
        click.echo(f"settle: an argument holds {text}, which is not UTF-8", err=True)
        sys.exit(exit_code(BadInput(text)))
    except OSError as error:
        if error.errno is None:  # not the system's word
            raise
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        fault = BadInput(f"{place}{error.strerror}")
        click.echo(f"settle: {fault}", err=True)
        sys.exit(exit_code(fault))
    except Exception as error:
        if (said := _of_database(error)) is None:
            raise
        click.echo(f"settle: store: {said}; what was committed stands, so run it again", err=True)
        sys.exit(exit_code(BadInput(said)))


def _of_database(error: Exception) -> str | None:
    """What a database says that cannot go on: its disk is full, it is read-only, or gone."""
    origin = getattr(error, "orig", None) or error  # as SQLAlchemy wraps it
    kinds = {(kind.__module__, kind.__name__) for kind in type(origin).__mro__}
    of_sqlite = getattr(origin, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK
    if of_sqlite or ("psycopg", "OperationalError") in kinds:
        return str(origin).strip().splitlines()[0]
    return None


_OF_THE_DISK = frozenset({5, 6, 8, 10, 13, 14})
"""Primary codes of SQLite: busy, locked, read-only, cannot read or write, full, cannot open."""


def exit_code(error: SettleError) -> int:
    """What an error that stopped a command means to the shell."""
    match error:
        case ConfigError() | BadInput():
            return 11
        case RailError():
            return 12
        case _:
            return 10
