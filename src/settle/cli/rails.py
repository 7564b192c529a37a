"""`settle rails`: which rails are installed, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Any

import click

_HELP = """List the installed rails.

Examples:

\b
  settle rails
  settle rails --json
"""


@click.command(help=_HELP)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def rails(*, as_json: bool) -> None:
    """List plug-ins with the settings that each declares."""
    from settle.adapters.registry import installed

    plugins = {name: _described(plugin) for name, plugin in installed().items()}
    if as_json:
        click.echo(json.dumps(plugins, indent=2))
        return
    _print(plugins)


def _print(plugins: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

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
