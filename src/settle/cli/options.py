"""Options that several commands share, each with one name, one meaning and one default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)
DAY = click.DateTime(formats=["%Y-%m-%d"])
INSTANT = click.DateTime(formats=["%Y-%m-%dT%H:%M:%S"])

config = click.option("--config", type=FILE, default="settle.toml", help="The settings.")
store = click.option("--store", help="sqlite:///FILE or postgresql://…")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

closed_window = click.option("--window", type=DAY, required=True, help="The window, a date.")
actor = click.option(
    "--actor", required=True, help="Who says so; your platform authenticates them."
)
reason = click.option("--reason", required=True, help="Why, for whoever audits it.")
yes = click.option("--yes", is_flag=True, help="Do it; without it, only show it.")

night = click.option("--night", type=FILE, help="A folder like fixtures/night; found by itself.")
folder = click.option(
    "--folder", type=FILE, default="demo", help="Where everything it makes is kept."
)

records = click.argument(
    "records", nargs=-1, type=FILE, help="Files of records: Parquet, CSV or JSON lines."
)
memory = click.option(
    "--memory", default="4GB", help="What the engine may use before it spills to disk."
)
engine = click.option(
    "--engine", default="duckdb", help="duckdb, local-cluster[2,1,1024] or spark://HOST:PORT."
)

_TERMS = (
    click.option("--agreements", type=FILE, help="Who settles how."),
    click.option("--rates", type=FILE, help="Reference rates by day."),
    click.option("--fees", type=FILE, help="The fee schedules that agreements name."),
    click.option("--caps", type=FILE, help="Net debits at which records are held."),
    click.option("--window", type=DAY, help="The window to net, a date."),
    click.option("--zone", default="Asia/Shanghai", help="Where a day of records begins and ends."),
    click.option(
        "--as-of", type=INSTANT, help="UTC; when all was in. Default: a day after the window."
    ),
)


def terms(function: Function) -> Function:
    """What files are netted by. This adds the files of terms, the window and its times."""
    return _with(function, _TERMS)


def amending(function: Function) -> Function:
    """What changes a closed window. This adds who and why, whether it is done, and where."""
    return _with(function, (actor, reason, yes, config, store, as_json))


def _with(function: Function, options: Sequence[Callable[[Any], Any]]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function
