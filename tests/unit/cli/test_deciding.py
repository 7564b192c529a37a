"""`settle payments decide`, `settle approve`: said outright, kept by name, told as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from settle.payments import State
from settle.payments.tables import payments
from settle.store import Store

from .conftest import Settle
from .test_payments import config

__all__ = ["config"]

WORD = ["--actor", "alice", "--why", "the bank's letter"]


@pytest.fixture
def unknown(config: Path) -> Path:
    """The settings of a store whose payment P-001 is one that nobody knows the outcome of."""
    store = Store.open(f"sqlite:///{config.parent / 'settle.db'}")
    with store.transaction() as connection:
        which = payments.c.payment_id == "P-001"
        connection.execute(sa.update(payments).where(which).values(state=State.UNKNOWN.value))
    store.close()
    return config


@pytest.mark.parametrize("said", [[], ["--executed", "--not-executed"]], ids=["neither", "both"])
def test_what_became_of_a_payment_is_never_guessed(
    settle: Settle, unknown: Path, said: list[str]
) -> None:
    """Whoever says neither or both has said nothing, and nothing is kept of it."""
    done = settle("payments", "decide", "P-001", *said, *WORD, "--config", unknown)
    assert (2, "") == (done.code, done.out)
    assert "say what became of it: --executed or --not-executed" in done.err
    # The contrary may still be said, by the same person: no word of theirs was kept.
    told = settle(
        "payments", "decide", "P-001", "--executed", *WORD, "--json", "--config", unknown
    ).told
    assert (False, ["alice"], [], "executed") == (
        told["closed"], told["by"], told["against"], told["verdict"],
    )  # fmt: skip


def test_an_approval_is_told_for_machines(settle: Settle, config: Path) -> None:
    """Whether it is approved now, and how many persons are missing."""
    told = settle("approve", "P-001", "--actor", "alice", "--json", "--config", config).told
    assert {"payment_id": "P-001", "persons_missing": 0, "cleared": None} == told
