"""`settle failed`: shown first, done with --yes, refused by name, and told by explain."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from settle.hub import Hub
from settle.payments.tables import payments

from .conftest import SOUND, Settle, record, write_terms, written

DAY = date(2024, 12, 19)
NAMED = ["--window", "2024-12-19", "--actor", "ada", "--reason", "insolvent"]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed window in which the hub is M2's agent."""
    monkeypatch.chdir(tmp_path)
    write_terms(tmp_path)
    terms = tmp_path / "agreements.csv"
    lines = terms.read_text().splitlines()
    terms.write_text("\n".join(
        line.replace("principal", "agent") if line.startswith("A-M2") else line for line in lines
    ) + "\n")  # fmt: skip
    (tmp_path / "settle.toml").write_text(
        '[settle]\ntenant = "t"\nclock = "night"\nnight_at = "16:30"\n'
        '[clearing]\nagreements = "agreements.csv"\nrates = "rates.csv"\n'
    )
    other = record("E-3", counterparty_id="P1", amount_minor=50_00)
    with Hub.open("settle.toml") as hub, hub.night(DAY):
        hub.take(written(tmp_path / "records.csv", [*SOUND, other]), day=DAY)
        hub.close_window(DAY)
    return tmp_path


def test_it_is_shown_before_it_is_done(settle: Settle, closed: Path) -> None:
    """Without --yes the window stands, and what would change is told to the unit."""
    done = settle("failed", "M2", *NAMED)
    assert done.code == 0, done.err
    assert "without M2: 5 records become 2, 2 positions 1; 3 records wait" in done.out
    assert "nothing is changed yet: add --yes" in done.out
    with Hub.open("settle.toml") as hub:
        assert {"A-M1", "A-M2"} == {each.agreement_id for each in hub.positions(DAY)}


def test_it_is_done_once_and_told_as_json(settle: Settle, closed: Path) -> None:
    """The plan, what was done and what is found done say the same figures."""
    shown = settle("failed", "M2", *NAMED, "--json").told
    done = settle("failed", "M2", *NAMED, "--yes", "--json").told
    assert (False, True) == (shown.pop("is_done"), done.pop("is_done"))
    assert shown == done
    assert (2, ["M2"], 3) == (done["outcome"], done["failed"], done["left_out"])
    (change,) = done["changes"]
    assert ("A-M2", 0) == (change["agreement_id"], change["after_minor"])
    again = settle("failed", "M2", *NAMED, "--yes")
    assert (0, "window 2024-12-19 stands, with M2 as failed: nothing to do\n") == (
        again.code, again.out,
    )  # fmt: skip


def test_payments_of_it_give_way(settle: Settle, closed: Path) -> None:
    """An obligation that is gone leaves no payment that could be released."""
    with Hub.open("settle.toml") as hub:
        hub.plan(DAY)
    assert settle("failed", "M2", *NAMED, "--yes").code == 0
    with Hub.open("settle.toml") as hub, hub.store.reading() as connection:
        states = dict(
            connection.execute(sa.select(payments.c.agreement_id, payments.c.state)).all()
        )
    assert {"A-M1": "planned", "A-M2": "cancelled"} == states


def test_what_it_was_before_is_explained(settle: Settle, closed: Path) -> None:
    """`settle explain --outcome 1` takes the former position apart, with its proof."""
    stood = settle("explain", "A-M2/EUR/2024-12-19", "--json").told
    settle("failed", "M2", *NAMED, "--yes")
    gone = settle("explain", "A-M2/EUR/2024-12-19", "--json")
    assert (11, True) == (gone.code, "there is no position" in gone.err)
    told = settle("explain", "A-M2/EUR/2024-12-19", "--outcome", 1, "--json", "--records").told
    assert 3 == len(told.pop("records_under"))
    assert stood == told
    none = settle("explain", "A-M2/EUR/2024-12-19", "--outcome", 7)
    assert (11, True) == (none.code, "in an outcome 7 that was unwound" in none.err)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["M9", *NAMED], "'M9' has no agreement"),
        (["M2", *NAMED[2:], "--window", "2024-12-20"], "2024-12-20 is not closed: name who failed"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    settle: Settle, closed: Path, arguments: list[str], why: str
) -> None:
    """Exit code 11, one line, and what to do instead."""
    done = settle("failed", *arguments, "--yes")
    assert (11, 1) == (done.code, len(done.err.splitlines()))
    assert why in done.err
