"""`settle payments`: lists of any length, one payment by any of its names, and hostile text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.cli.conftest import Settle
from tests.unit.payments.conftest import DUE, PlainRail

from settle.adapters import RailSettings
from settle.payments import Wanted, listing, plan
from settle.payments.listing import listed
from settle.payments.tables import payments
from settle.store import Store

CONFIG = """
[settle]
tenant = "t"
store = "sqlite:///{store}"
[clearing]
agreements = "agreements.csv"
rates = "rates.csv"
"""
COUNT = 7
HOSTILE = "M\x1b[2J\x07[red]o\u202e\n"


@pytest.fixture
def config(tmp_path: Path, sqlite_template: Path) -> Path:
    """A store with seven payments in euros, one that no rail takes, and one with a hostile name."""
    path = tmp_path / "settle.toml"
    path.write_text(CONFIG.format(store=tmp_path / "settle.db"))
    (tmp_path / "settle.db").write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{tmp_path / 'settle.db'}")
    rails = {"single": PlainRail(RailSettings(base_url="//single", accounts={"EUR": "acc"}))}
    dues = [replace(DUE, obligation_id=f"O-{n}", agreement_id=f"A-{n % 2}") for n in range(COUNT)]
    ids = iter(f"P-{n:03d}" for n in range(COUNT + 1))
    plan(
        store, [*dues, replace(DUE, obligation_id="O-JPY", currency="JPY")], rails=rails,
        tenant="t", now=datetime(2024, 12, 18, tzinfo=UTC), ids=lambda: next(ids),
    )  # fmt: skip
    with store.transaction() as connection:
        named = payments.c.obligation_id == "O-0"
        connection.execute(sa.update(payments).where(named).values(beneficiary_name=HOSTILE))
    store.close()
    return path


def rows(settle: Settle, config: Path, *given: object) -> list[dict[str, Any]]:
    """The payments of a list, as its JSON lines have them."""
    ran = settle("payments", "list", "--json", "--config", config, *given)
    assert (0, "") == (ran.code, ran.err)
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_list_says_how_many_and_what_to_look_at(settle: Settle, config: Path) -> None:
    """Sums by state, rail and currency, then each payment that waits, with why."""
    ran = settle("payments", "list", "--config", config)
    assert "P-007 planned 100 JPY: rail: single: no JPY" in ran.out
    assert "P-001 planned 1.00 EUR: waits for an approval" in ran.out


@pytest.mark.parametrize(
    ("given", "obligations"),
    [
        (["--currency", "jpy"], ["O-JPY"]),
        (["--rail", ""], ["O-JPY"]),
        (["--held", "no JPY"], ["O-JPY"]),
        (["--held", ""], ["O-JPY"]),
        (["--held", "%"], []),
        (["--rail", "single", "--agreement", "A-0"], ["O-0", "O-2", "O-4", "O-6"]),
        (["--state", "unknown"], []),
        (["--state", "PLANNED", "--after", "P-005"], ["O-6", "O-JPY"]),
        (["--older-than", "0", "--limit", "2"], ["O-0", "O-1"]),
        (["--older-than", "36525"], []),
    ],
)
def test_a_filter_finds_what_it_says_and_no_more(
    settle: Settle, config: Path, given: list[str], obligations: list[str]
) -> None:
    """Text is looked for as it is written, by none of the database's own signs."""
    assert obligations == [row["obligation_id"] for row in rows(settle, config, *given)]


def test_pages_have_every_payment_once(settle: Settle, config: Path) -> None:
    """Each page says where the next begins, the last says nothing."""
    found: list[str] = []
    after: list[str] = []
    while True:
        ran = settle("payments", "list", "--limit", 3, *after, "--config", config)
        found += [line.split()[0] for line in ran.out.splitlines()]
        if not ran.err:
            break
        after = ran.err.split()[-2:]
    assert [f"P-{n:03d}" for n in range(COUNT + 1)] == found


def test_a_list_of_any_length_has_one_page_in_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement asks for a page, and the next is asked for when the page is read."""
    monkeypatch.setattr(listing, "PAGE", 2)
    asked: list[int] = []

    def counted(connection: Any, query: Any) -> Any:
        found = [dict(row) for row in connection.execute(query).mappings()]
        asked.append(len(found))
        return found

    monkeypatch.setattr(listing, "fetch", counted)
    rails = {"single": PlainRail(RailSettings(base_url="//single", accounts={"EUR": "acc"}))}
    ids = iter(f"P-{n}" for n in range(5))
    dues = [replace(DUE, obligation_id=f"O-{n}") for n in range(5)]
    plan(store, dues, rails=rails, tenant="t", now=datetime.now(UTC), ids=lambda: next(ids))
    with store.reading() as connection:
        lines = listed(connection, Wanted())
        assert ("P-0", [2]) == (next(lines)["payment_id"], asked)
        assert (4, [2, 2, 1]) == (len(list(lines)), asked)


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_a_payment_is_shown_by_any_of_its_names(settle: Settle, config: Path, case: Any) -> None:
    """By its id and its obligation as they are, by EndToEndId and UETR in any case."""
    (row,) = rows(settle, config, "--limit", 1)
    names = [
        row["payment_id"],
        row["obligation_id"],
        *map(case, (row["end_to_end_id"], row["uetr"])),
    ]
    told = {settle("payments", "show", name, "--config", config).out for name in names}
    assert 1 == len(told)
    assert "route: single: first that takes it" in told.pop()


def test_the_story_of_an_obligation_has_each_of_its_attempts(settle: Settle, config: Path) -> None:
    """Why it is held, which rails were asked, and when; as JSON a line each."""
    ran = settle("payments", "show", "O-JPY", "--config", config)
    for part in ("on no rail", "held: rail: single: no JPY", "route: single: no JPY", "attempt 1"):
        assert part in ran.out
    told = settle("payments", "show", "O-JPY", "--json", "--config", config).told
    assert ["planned (engine)"] == [line["what"] for line in told["story"]]


@pytest.mark.parametrize("name", ["nobody", "", "\x1b[2J", "' or 1=1 --"])
def test_a_payment_that_there_is_not_is_told_with_what_to_give(
    settle: Settle, config: Path, name: str
) -> None:
    """Exit code 11, one line, and nothing of what was given reaches the terminal raw."""
    ran = settle("payments", "show", name, "--config", config)
    assert (11, "") == (ran.code, ran.out)
    assert "give a payment id, an EndToEndId, a UETR or an obligation id" in ran.err
    assert "\x1b" not in ran.err


def test_a_state_that_there_is_not_is_refused_with_those_there_are(
    settle: Settle, config: Path
) -> None:
    """Exit code 11, and the words that may be given."""
    ran = settle("payments", "list", "--state", "payed", "--config", config)
    assert (11, True) == (ran.code, "there are planned, scheduled" in ran.err)


@pytest.mark.parametrize("given", [["list", "--limit", "9"], ["show", "O-0"], ["list"]])
def test_no_name_reaches_a_terminal_but_as_text(
    settle: Settle, config: Path, given: list[str]
) -> None:
    """What moves a cursor, rings, turns or ends a line is told as its escape, markup as it is."""
    out = settle("payments", *given, "--config", config).out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    if given != ["list"]:
        assert r"M\x1b[2J\x07[red]o\u202e\n" in out


def test_machines_are_given_the_name_as_it_is(settle: Settle, config: Path) -> None:
    """JSON has escapes of its own, and one line a payment."""
    assert HOSTILE == rows(settle, config, "--limit", 1)[0]["beneficiary_name"]
