"""A night under its controls, from the file to the last page: what is held and how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from settle import nightly
from settle.cli import application
from settle.hub import Hub
from settle.payments.tables import payments
from settle.report import ExitCode
from settle.report.payments import ExceptionKind
from settle.simulation.rehearsal import Rehearsal, rehearse

DAY = date(2024, 12, 18)
RULES = """extends = "{name}"
[controls.blast_radius]
factor = 2
[controls.cool_off]
changed_days.payout = 3
[[controls.limits]]
per = "party"
amount_major.EUR = 100_000_000
"""

pytestmark = pytest.mark.xdist_group("controlled night")


@dataclass(slots=True)
class Site:
    """A rehearsed night whose file has controls, and the command line beside it."""

    rehearsal: Rehearsal
    config: Path

    def night(self) -> nightly.Night:
        self.rehearsal.begin(DAY)
        with Hub.open(self.config) as hub:
            return nightly.run(hub, DAY)

    def settle(self, *arguments: str) -> str:
        command = [*arguments, "--config", str(self.config)]
        done = CliRunner().invoke(application, command, catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def rows(self) -> list[sa.Row[tuple[str, str, str, str]]]:
        of = payments.c
        query = sa.select(of.payment_id, of.agreement_id, of.currency, of.state)
        with Hub.open(self.config) as hub, hub.store.reading() as connection:
            return list(connection.execute(query.where(of.hold_reason == "")))

    def waiting(self) -> set[tuple[str, str]]:
        return {(r.agreement_id, r.currency) for r in self.rows() if r.state == "scheduled"}


@pytest.fixture(scope="module")
def site(small_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The small night, which is the first of its store, with a cap that nobody has set."""
    with rehearse(small_night, tmp_path_factory.mktemp("controlled")) as running:
        config = running.config_path.with_name("controlled.toml")
        config.write_text(RULES.format(name=running.config_path.name))
        yield Site(rehearsal=running, config=config)


def test_a_night_held_by_its_blast_radius_says_so_and_goes_once_confirmed(site: Site) -> None:
    """First all waits; then a person confirms a currency and pauses a party; then it goes on."""
    night = site.night()
    assert ExitCode.CLEAN != night.exit_code  # records in quarantine weigh more than what is open
    held = site.waiting()
    assert {row.state for row in site.rows()} == {"scheduled"}
    chosen = next(row for row in site.rows() if row.currency == "EUR")
    with Hub.open(site.config) as hub:
        told = hub.report(DAY)
    assert {"blast radius"} == {each.control for each in told.payments.controls}
    assert len(site.rows()) == told.payments.total(ExceptionKind.CONTROLLED)
    assert "held by blast radius" in night.page.read_text("utf-8")
    shown = site.settle("payments", "show", chosen.payment_id)
    assert "held by blast radius since 2024-12-18" in shown
    assert "released by a person: settle controls confirm" in shown
    site.settle("controls", "pause", "party", chosen.agreement_id, "--actor", "ann",
                "--reason", "a call")  # fmt: skip
    said = site.settle("controls", "confirm", "EUR", "--actor", "ann")
    assert "the night of 2024-12-18 confirmed by ann: up to " in said
    site.night()
    mine = {(agreement, code) for agreement, code in held if agreement == chosen.agreement_id}
    assert {(a, c) for a, c in held if c != "EUR"} | mine == site.waiting()
    listed = site.settle("controls", "list")
    assert f"party {chosen.agreement_id} is paused since " in listed
    assert f"{chosen.payment_id} pause since " in listed
    site.settle("controls", "resume", "party", chosen.agreement_id, "--actor", "bob",
                "--reason", "it was them")  # fmt: skip
    site.night()
    assert {(a, c) for a, c in held if c != "EUR"} == site.waiting()
