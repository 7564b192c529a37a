"""`settle correct`: shown first, done with --yes, once, and refused by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from settle.clearing import corrections
from settle.hub import Hub

from .conftest import SOUND, Settle, write_terms, written

DAY = date(2024, 12, 19)
SAID = ["--actor", "ada", "--reason", "typed wrong"]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed window of four records."""
    monkeypatch.chdir(tmp_path)
    write_terms(tmp_path)
    (tmp_path / "settle.toml").write_text(
        '[settle]\ntenant = "t"\nclock = "night"\nnight_at = "16:30"\n'
        '[clearing]\nagreements = "agreements.csv"\nrates = "rates.csv"\n'
    )
    with Hub.open("settle.toml") as hub, hub.night(DAY):
        hub.take(written(tmp_path / "records.csv", SOUND), day=DAY)
        hub.close_window(DAY)
    return tmp_path


def made() -> int:
    with Hub.open("settle.toml") as hub, hub.store.reading() as connection:
        return len(corrections(connection))


def test_it_is_shown_before_it_is_done(settle: Settle, closed: Path) -> None:
    """The rows that would come, with the very fee; nothing is taken in."""
    done = settle("correct", "E-1", "--set", "amount=90.00", *SAID)
    assert done.code == 0, done.err
    assert "nothing is changed yet: add --yes" in done.out
    assert 0 == made()


def test_it_is_done_once_and_told_as_json(settle: Settle, closed: Path) -> None:
    """Taken back, its fee given back, and the right one in its place; again it is found done."""
    arguments = ["correct", "E-1", "--set", "amount=90.00", "--set", "reference=R", *SAID, "--json"]
    ran = [settle(*arguments, *more) for more in ((), ("--yes",), ("--yes",))]
    assert [0, 0, 0] == [each.code for each in ran], [each.err for each in ran]
    shown, done, again = (each.told for each in ran)
    assert (False, True, True) == tuple(told["is_done"] for told in (shown, done, again))
    assert (False, False, True) == tuple(told["was_done_before"] for told in (shown, done, again))
    assert shown["records"] == done["records"] == again["records"]
    kinds = [(row["kind"], row["amount_minor"]) for row in done["records"]]
    assert [("sale_correction", 100_00), ("fee_returned", 1_00), ("sale", 90_00)] == kinds
    assert 1 == made()


def test_a_record_that_should_not_have_been_is_taken_back(settle: Settle, closed: Path) -> None:
    """Nothing comes in its place."""
    told = settle("correct", "E-2", "--remove", *SAID, "--yes", "--json").told
    assert ["adjustment_debit_correction"] == [row["kind"] for row in told["records"]]
    assert 1 == made()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["E-9", "--remove"], "record 'E-9' is in no closed window"),
        (["E-1"], "--set FIELD=VALUE, or --remove"),
        (["E-1", "--remove", "--set", "amount=1"], "--set FIELD=VALUE, or --remove"),
        (["E-1", "--set", "amount"], "--set amount: give FIELD=VALUE"),
        (["E-1", "--set", "amount=1.005"], "more than 2 decimals"),
        (["E-1", "--set", "amount=x"], "'x' is not an amount in EUR"),
        (["E-1", "--set", "amount_minor=1.5"], "amount_minor=1.5: not a whole number"),
        (["E-1", "--set", "amount_minor=1_000"], "amount_minor=1_000: not a whole number"),
        (["E-1", "--set", "amount_minor=\u0663"], "not a whole number"),
        (["E-\udcff", "--remove"], "an argument holds '\\udcff', which is not UTF-8"),
        (["E-1", "--remove", "--actor", "\udcff"], "an argument holds '\\udcff'"),
        (["E-1", "--set", "amount=1", "--set", "amount_minor=1"], "not both"),
        (
            ["E-1", "--set", "occurred_at=x"],
            "cannot change 'occurred_at', but agreement_id, amount",
        ),
        (["E-1", "--set", "agreement_id=A-M9"], "A-M9"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    settle: Settle, closed: Path, arguments: list[str], why: str
) -> None:
    """Exit code 11, one line, and nothing corrected."""
    done = settle("correct", *SAID, *arguments, "--yes")
    assert (11, 1) == (done.code, len(done.err.splitlines())), done.err
    assert why in done.err
    assert 0 == made()
