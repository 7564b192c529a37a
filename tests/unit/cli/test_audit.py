"""`settle audit` seals a night, finds what was touched since, and proves a merchant's lines."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from settle.ledger import Posting, accounts, post
from settle.store import Store

from .conftest import Settle, write_terms

CHECKER = Path(__file__).resolve().parents[3] / "docs" / "reference" / "check_proof.py"
DAY = date(2024, 12, 19)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with a key, and a store with ten postings of two merchants."""
    write_terms(tmp_path)
    (tmp_path / "seal.key").write_text("0123456789abcdef" * 4)
    path = tmp_path / "settle.toml"
    path.write_text(
        '[settle]\ntenant = "t"\n'
        '[clearing]\nagreements = "agreements.csv"\nrates = "rates.csv"\n'
        f'[audit]\nkey = "file:{tmp_path / "seal.key"}"\n'
    )
    write(tmp_path, range(10))
    return path


def write(folder: Path, rows: range) -> None:
    store = Store.open(f"sqlite:///{folder / 'settle.db'}")
    with store.transaction() as connection:
        post(connection, postings(rows), recorded_at=datetime(2024, 12, 19, tzinfo=UTC))
    store.close()


def postings(rows: range) -> Iterator[Posting]:
    for n in rows:
        yield Posting(
            event="test", subject="s", row=str(n), posted_on=DAY, debit="clearing",
            credit=accounts.payable(("A-M1", "A-M2")[n % 2]), currency="EUR", amount_minor=n + 1,
        )  # fmt: skip


def touch(config: Path, statement: str) -> None:
    with closing(sqlite3.connect(config.parent / "settle.db")) as connection, connection:
        connection.execute(statement)


def test_what_was_sealed_is_verified_and_what_was_touched_is_named(
    settle: Settle, config: Path
) -> None:
    """Exit code 0 while it is sound, 10 with block, entry and what is wrong once it is not."""
    assert "10 entries sealed in 1 block\n" in settle("audit", "seal", "--config", config).out
    sound = settle("audit", "verify", "--config", config)
    assert 0 == sound.code
    assert "1 blocks of 10 entries, 1 signed\n" in sound.out
    assert "3 balances rebuilt" in sound.out
    touch(config, "update journal set amount_minor = 1000 where amount_minor = 4")
    ran = settle("audit", "verify", "--config", config)
    assert 10 == ran.code
    assert ran.out.startswith("block 1: journal ")
    assert "edited: the row" in ran.out
    told = settle("audit", "verify", "--config", config, "--json").told
    assert (False, 1, 10) == (told["sound"], told["blocks"], told["entries"])
    assert [(1, "edited")] == [(flaw["block"], flaw["wrong"]) for flaw in told["flaws"]]


def test_the_unsealed_tail_is_told(settle: Settle, config: Path) -> None:
    """By count and by age, also as JSON."""
    settle("audit", "seal", "--config", config)
    write(config.parent, range(10, 13))
    ran = settle("audit", "verify", "--config", config)
    assert 0 == ran.code
    assert "3 entries not sealed yet, since " in ran.out
    told = settle("audit", "verify", "--config", config, "--json").told["unsealed"]
    assert 3 == told["count"]
    assert told["age_s"] > 0
    assert "2024-12-19T00:00:00+00:00" == told["of"]["journal"]["oldest"]


def test_blocks_cut_off_are_told_by_the_head_that_was_kept(settle: Settle, config: Path) -> None:
    """As a file, and as what a night printed; without either it is said that nobody can tell."""
    head = config.parent / "head.json"
    settle("audit", "seal", "--config", config)
    write(config.parent, range(10, 13))
    printed = settle("audit", "seal", "--config", config, "--head", head).out
    short = printed.rpartition("head ")[2].strip()
    verify = ("audit", "verify", "--config", config)
    assert 0 == settle(*verify, "--head", head).code
    touch(config, "delete from sealed_rows where block = 2")
    touch(config, "delete from seal_blocks where number = 2")
    shutil.rmtree(config.parent / "lake" / "heads")
    assert 0 == settle(*verify).code
    assert "cannot be told" in settle(*verify).out
    for known in (head, short):
        ran = settle(*verify, "--head", known)
        assert (10, True) == (ran.code, "block 2: cut off" in ran.out)
    assert 11 == settle(*verify, "--head", "nonsense").code


def test_blocks_cut_off_are_told_by_the_head_beside_the_lake(settle: Settle, config: Path) -> None:
    """Nobody has to give one, and sealing what is left does not hide it."""
    verify = ("audit", "verify", "--config", config)
    settle("audit", "seal", "--config", config)
    write(config.parent, range(10, 13))
    settle("audit", "seal", "--config", config)
    sound = settle(*verify)
    assert (0, False) == (sound.code, "cannot be told" in sound.out)
    touch(config, "delete from sealed_rows where block = 2")
    touch(config, "delete from seal_blocks where number = 2")
    for _ in range(2):
        ran = settle(*verify)
        assert (10, True) == (ran.code, "block 2: cut off" in ran.out)
        settle("audit", "seal", "--config", config)
    (kept,) = (config.parent / "lake" / "heads").iterdir()
    kept.write_text("nonsense")
    assert 0 == settle("audit", "seal", "--config", config).code
    assert 11 == settle(*verify).code


def test_a_merchant_checks_its_proof_alone(settle: Settle, config: Path) -> None:
    """A participant has the lines of its agreements, an agreement its own; others are refused."""
    settle("audit", "seal", "--config", config)
    out = config.parent / "proof.json"
    for name in ("M1", "A-M1"):
        ran = settle("audit", "prove", name, "--config", config, "--out", out)
        assert (0, f"{out}: 5 lines of {name}, 0 not sealed yet\n") == (ran.code, ran.out)
        done = subprocess.run(
            [sys.executable, "-I", "-S", CHECKER, out], capture_output=True, text=True, check=True
        )
        assert "5 lines, in the chain" in done.stdout
        assert "A-M2" not in out.read_text()
    assert json.loads(settle("audit", "prove", "M2", "--config", config).out)["blocks"]
    assert 11 == settle("audit", "prove", "M9", "--config", config).code


@pytest.mark.parametrize(
    ("key", "why"),
    [("plain", "audit.key"), ("env:SETTLE_NO_SUCH_KEY", "is not set"), ("file:/none", "cannot be")],
)
def test_a_key_that_cannot_be_used_is_a_setting_by_name(
    settle: Settle, config: Path, key: str, why: str
) -> None:
    """And its value is printed nowhere."""
    lines = [line for line in config.read_text().splitlines() if not line.startswith("key")]
    config.write_text("\n".join([*lines, f'key = "{key}"']) + "\n")
    ran = settle("audit", "seal", "--config", config)
    assert (11, True) == (ran.code, why in ran.err)


def test_without_a_key_blocks_are_chained_and_it_is_said(settle: Settle, config: Path) -> None:
    """Who has no key has a chain all the same."""
    config.write_text(config.read_text().partition("[audit]")[0])
    settle("audit", "seal", "--config", config)
    ran = settle("audit", "verify", "--config", config)
    assert (0, True) == (ran.code, "0 signed, no key to check them by" in ran.out)
