"""`settle simulate`: the engine in worlds where everything goes wrong, each from one seed."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.errors import BadInput

if TYPE_CHECKING:
    from settle.simulation.trial import Campaign, Defect, Failure, Scenario

_HELP = """Try the engine in simulated worlds: rails, banks, workers and faults drawn from a seed.

Each seed is a world of its own, played in virtual time with the real engine on a real store, and
judged against the banks' own truth. The same seed always plays the same.

Exit codes: 0 nothing was violated, 1 something was, 11 bad input.

Examples:

\b
  settle simulate --seeds 300 --seed 1
  settle simulate --seeds 300 --seed 1 --json
  settle simulate --replay 17
  settle simulate --list-defects
  settle simulate --plant fresh-key-on-retry --seeds 500
"""


@click.command(help=_HELP)
@click.option("--seeds", default=300, type=click.IntRange(min=1), help="How many worlds.")
@click.option("--seed", default=1, type=click.IntRange(min=0), help="The first of them.")
@click.option("--replay", type=click.IntRange(min=0), help="Tell the story of this world.")
@click.option("--keep", help="Of --replay, only these orders and faults, such as o1,o3,f2.")
@click.option("--plant", help="Play with an engine that has this defect; it must be caught.")
@click.option("--list-defects", is_flag=True, help="Name the defects that can be planted.")
@options.as_json
def simulate(
    *, seeds: int, seed: int, replay: int | None, keep: str | None, plant: str | None,
    list_defects: bool, as_json: bool,
) -> None:  # fmt: skip
    """Play worlds."""
    if list_defects:
        _list(as_json=as_json)
        return
    if keep is not None and replay is None:
        raise click.UsageError("--keep is of a world that is told: give --replay, too")
    if as_json and replay is not None:
        raise click.UsageError("--replay tells a story in words: leave out --json")
    defect = _defect(plant)
    if replay is not None:
        violated = _tell(replay, keep, defect)
    else:
        violated = _play(seeds, seed, defect, as_json=as_json)
    if violated:
        raise click.exceptions.Exit(1)


def _defect(name: str | None) -> Defect | None:
    from settle.simulation.trial import DEFECTS

    if name is None:
        return None
    if name not in DEFECTS:
        raise BadInput(f"--plant: there is no defect {name!r}; --list-defects names them")
    return DEFECTS[name]


def _list(*, as_json: bool) -> None:
    from settle.simulation.trial import DEFECTS

    if as_json:
        rows = [
            {"name": d.name, "summary": d.summary, "caught_by": d.breaks.value}
            for d in DEFECTS.values()
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for defect in DEFECTS.values():
        click.echo(f"{defect.name}: {defect.summary}; caught by: {defect.breaks.value}")


def _play(seeds: int, seed: int, defect: Defect | None, *, as_json: bool) -> bool:
    from settle.simulation.trial import campaign

    began = time.monotonic()
    with _progress(seeds) as advance:
        done = campaign(seeds=seeds, first_seed=seed, defect=defect, progress=advance)
    elapsed_s = time.monotonic() - began
    if as_json:
        click.echo(json.dumps(done.as_json(), indent=1))
    else:
        _print(done, elapsed_s)
    return bool(done.failures)


@contextmanager
def _progress(seeds: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar for whoever watches; nothing where nobody does."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("worlds", total=seeds)
        yield lambda played, failed: bar.update(
            task, completed=played, description=f"worlds, {failed} failed"
        )


def _print(done: Campaign, elapsed_s: float) -> None:
    told = done.as_json()
    made = told["payments"]
    pace = done.worlds / elapsed_s if elapsed_s else 0.0
    click.echo(f"{done.worlds} worlds from seed {done.first_seed}, {pace:.1f} a second")
    click.echo(
        f"payments: {made['made']} made, {made['executed']} executed: {_said(made['states'])}"
    )
    click.echo(f"orders, by what was to become of them: {_said(told['orders'])}")
    click.echo(f"faults: {_said(told['faults'])}")
    unknowns = told["unknowns"]
    click.echo(f"unknowns: {unknowns['opened']} opened: {_said(unknowns['closed'])}")
    click.echo(f"digest: {told['digest']}")
    for failure in done.failures:
        _print_failure(failure)
    if not done.failures:
        click.echo("violations: none")


def _print_failure(failure: Failure) -> None:
    click.echo(f"\nseed {failure.seed}{f' with {failure.planted}' if failure.planted else ''}:")
    for violation in failure.violations:
        click.echo(f"  violated: {violation.invariant.value}: {violation.why}")
    least = failure.least
    click.echo(f"  the least of it: {', '.join(o.obligation_id for o in least.orders)}")
    for fault in least.faults:
        click.echo(f"    {fault}")
    click.echo(f"  its story: {failure.command}")


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def _tell(seed: int, keep: str | None, defect: Defect | None) -> bool:
    from settle.simulation.trial import Stage, drawn

    scenario = drawn(seed)
    if keep is not None:
        scenario = _kept(scenario, keep)
    _describe(scenario)
    with Stage() as stage, defect.planted() if defect else nullcontext():
        played = stage.play(scenario)
    for line in played.story:
        click.echo(line)
    click.echo(f"\nat the end: {_said(dict(played.states))}; {played.executed} executed")
    click.echo(f"digest: {played.digest}")
    for violation in played.violations:
        click.echo(f"violated: {violation.invariant.value}: {violation.why}")
    if not played.violations:
        click.echo("violations: none")
    return bool(played.violations)


def _kept(scenario: Scenario, keep: str) -> Scenario:
    if not re.fullmatch(r"([of][0-9]{1,6})(,[of][0-9]{1,6})*|", keep):
        raise BadInput("--keep: give orders and faults such as o1,o3,f2")
    names = [name for name in keep.split(",") if name]
    return scenario.keeping(
        orders={int(name[1:]) for name in names if name[0] == "o"},
        faults={int(name[1:]) for name in names if name[0] == "f"},
    )


def _describe(scenario: Scenario) -> None:
    click.echo(f"world {scenario.seed}: {scenario.workers} workers")
    for rail in scenario.rails:
        click.echo(f"  {rail}")
    for order in scenario.orders:
        where = order.rail or "whichever rail takes it"
        click.echo(
            f"  {order.obligation_id}: {order.amount_minor} {order.currency} minor units by "
            f"{where}{f', {order.fate}' if order.fate else ''}"
        )
    for place, fault in enumerate(scenario.faults):
        click.echo(f"  f{place}: {fault}")
    click.echo("")
