"""`settle screening`: who is held, why, and what people decide, from the shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.payments.conftest import DUE, PAYEE, Desk

from settle.payments.tables import payments
from settle.store import Store

from .conftest import Settle, write_terms

HEAD = "# date: 2024-12-01\nid,name,aliases,kind,country,date_of_birth\n"
EVIL = HEAD + "7,Evil Person,Devil [bold]Person[/bold],person,US,1957\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with a list, and a store with four payments that are ready to go."""
    write_terms(tmp_path)
    (tmp_path / "own.csv").write_text(EVIL)
    path = tmp_path / "settle.toml"
    path.write_text(
        '[settle]\ntenant = "t"\n'
        '[clearing]\nagreements = "agreements.csv"\nrates = "rates.csv"\n'
        '[screening.lists]\nown = "own.csv"\n'
    )
    with opened(path) as desk:
        names = ("Evil Person", "Evel Persson", "Mo", "Plain")
        desk.ready(
            *(
                replace(DUE, obligation_id=f"O-{n}", beneficiary=replace(PAYEE, name=name))
                for n, name in enumerate(names, 1)
            )
        )
        # As it may stand in a store from before such names were refused.
        hostile = payments.update().where(payments.c.payment_id == "P-00004")
        with desk.store.transaction() as connection:
            connection.execute(hostile.values(beneficiary_name="M\x1b[31mo"))
    return path


@contextmanager
def opened(config: Path) -> Iterator[Desk]:
    store = Store.open(f"sqlite:///{config.parent / 'settle.db'}")
    yield Desk(store)
    store.close()


def test_a_round_says_who_is_held_and_why(settle: Settle, config: Path) -> None:
    """Exit code 10 while somebody is; what a list or a payee says moves no cursor."""
    ran = settle("screening", "run", "--config", config)
    assert 10 == ran.code
    assert "4 screened by new lists" in ran.out
    assert "screening: block: like Evil Person (1,000,000 ppm; own 7, list 2024-12-01)" in ran.out
    assert "3 held or in flight" in ran.out
    assert "screening: block: the name cannot be compared" in ran.out
    assert "\x1b" not in ran.out
    assert "M\\x1b[31mo" in ran.out
    listed = settle("screening", "list", "--config", config, "--json")
    assert 10 == listed.code
    assert [("block", 1_000_000), ("review", 818_181), ("block", 1_000_000)] == [
        (name["verdict"], name["score_ppm"]) for name in listed.told["held"]
    ]


def test_the_story_shows_scores_and_decisions_with_signs_escaped(
    settle: Settle, config: Path
) -> None:
    """Version, score, entry and what helps a person to decide; markup of a list is text."""
    settle("screening", "run", "--config", config)
    ran = settle("screening", "show", "P-00001", "--config", config)
    assert 0 == ran.code
    assert "1,000,000 ppm  Evil Person (own 7, list 2024-12-01; person, US, 1957)" in ran.out
    settle(
        "screening", "confirm", "P-00001", "--actor", "ada", "--reason", "same\x07", "--config",
        config,
    )  # fmt: skip
    told = settle("screening", "show", "P-00001", "--config", config)
    assert "ada ruled confirmed of own 7: same\\x07" in told.out
    story = settle("screening", "show", "P-00001", "--config", config, "--json").told
    assert ("confirmed", "approved") == (story["verdict"], story["state"])
    assert "no payment P-9" in settle("screening", "show", "P-9", "--config", config).err


def test_people_clear_and_the_payment_goes(settle: Settle, config: Path) -> None:
    """A block takes two of them; nothing is sent by clearing."""
    settle("screening", "run", "--config", config)
    words = ("--reason", "born 1991", "--config", config)
    first = settle("screening", "clear", "P-00001", "--actor", "ada", *words)
    assert (10, True) == (first.code, "cleared by two people" in first.out)
    second = settle("screening", "clear", "P-00001", "--actor", "bob", *words, "--json")
    assert (0, "cleared") == (second.code, second.told["verdict"])
    none = settle("screening", "clear", "P-00003", "--actor", "ada", *words)
    assert (11, True) == (none.code, "nothing against payment P-00003" in none.err)
    blank = settle("screening", "clear", "P-00002", "--actor", " ", *words)
    assert 11 == blank.code
    hidden = settle("screening", "clear", "P-00004", "--actor", "ada", *words)
    assert (10, True) == (hidden.code, "still held (block)" in hidden.out)
    with opened(config) as desk:
        left = [row["payment_id"] for sending in desk.claim() for row in sending.rows]
    assert ["P-00001", "P-00003"] == left


def test_a_list_that_cannot_be_used_is_named_by_line(settle: Settle, config: Path) -> None:
    """Exit code 11, and what it has not seen stays where it is."""
    (config.parent / "own.csv").write_text(HEAD + "1,***,,,,\n")
    ran = settle("screening", "run", "--config", config)
    assert (11, True) == (ran.code, "own.csv, line 3, name: '***'" in ran.err)


def test_lists_taken_out_of_the_settings_do_not_free_anybody(settle: Settle, config: Path) -> None:
    """Screening ends on the word of a person, once the settings name no list."""
    settle("screening", "run", "--config", config)
    words = ("--actor", "ada", "--reason", "bank does", "--config", config)
    assert "still name lists" in settle("screening", "end", *words).err
    config.write_text(config.read_text().partition("[screening")[0])
    assert "settle screening end" in settle("screening", "run", "--config", config).err
    assert 0 == settle("screening", "end", *words).code
    assert "nobody is screened" in settle("screening", "run", "--config", config).out


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("review_at = 0.8", "screening.review_at"),
        ("review_at = 0", "screening.review_at"),
        ("block_at = 700000", "review_at is above block_at"),
        ("blok_at = 1", "screening.blok_at: no such key"),
    ],
)
def test_a_wrong_setting_is_named(settle: Settle, config: Path, setting: str, told: str) -> None:
    """Key and fix, in a line."""
    config.write_text(config.read_text() + f"[screening]\n{setting}\n")
    ran = settle("screening", "list", "--config", config)
    assert 11 == ran.code
    assert told in ran.err
