"""The program of `settle net`, as an auditor reads it: macros and views, in the order of a run."""

from __future__ import annotations

from pathlib import Path

import click


def echo_program() -> None:
    """Print the views in the order in which they run, after what all of them use."""
    from settle.engine import MACROS

    for signature, body in MACROS.items():
        click.echo(f"create macro {signature} as {body};\n")
    for part, views in _program().items():
        for name, query in views.items():
            click.echo(f"-- {part}/{name}\n{query.rstrip()};\n")


def _program() -> dict[str, dict[str, str]]:
    from settle import clearing
    from settle.clearing.bare import bare_views
    from settle.clearing.calculation import program
    from settle.clearing.kinds import kinds_query
    from settle.engine import read_views

    reading = read_views(Path(clearing.__file__).parent, ("json_lines", "reading"))
    references = {"kinds": kinds_query()}
    return {"references": references, "reading": reading, **program(), "bare": bare_views()}
