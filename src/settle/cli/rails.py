"""`settle rails`: which rails are installed, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

_HELP = """List the installed rails.

Examples:

    settle rails

    settle rails --json
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=_HELP)(rails)


def rails(
    *, as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False
) -> None:
    """List plug-ins with the settings that each declares."""
    from settle.adapters.registry import installed

    plugins = {name: _described(plugin) for name, plugin in installed().items()}
    if as_json:
        typer.echo(json.dumps(plugins, indent=2))
        return
    table = Table("rail", "what it is", "its settings", title="Installed rails")
    for name, described in plugins.items():
        table.add_row(name, described["summary"], ", ".join(described["settings"]))
    Console().print(table)


def _described(plugin: type[Any]) -> dict[str, Any]:
    summary = (plugin.__doc__ or "").strip().splitlines()
    return {
        "summary": summary[0] if summary else "",
        "settings": sorted(plugin.settings_type.model_fields),
    }
