"""What people said is sealed: signatures, switches, confirmations, decisions of screening."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from settle.ledger import audit
from settle.ledger.leaves import padded
from settle.payments.gate.tables import confirmations, signatures, switches
from settle.payments.screening.tables import screening_decisions
from settle.store import Store

from .conftest import NOW, SOURCES, sealed

ROWS: Mapping[sa.Table, Mapping[str, Any]] = {
    signatures: {
        "payment_id": "P-1", "role": "approves", "fingerprint": "f" * 64, "person": "ada/b",
        "actor": "Ada/B", "signed_at": NOW,
    },
    switches: {
        "scope": "rail", "name": "lark", "turn": 1, "actor": "ada", "reason": "fraud",
        "turned_at": NOW,
    },
    confirmations: {
        "day": date(2024, 12, 18), "currency": "EUR", "up_to_minor": 10**15, "up_to_count": 12,
        "person": "ada", "actor": "ada", "confirmed_at": NOW,
    },
    screening_decisions: {
        "decision_id": "D-1", "tenant": "t", "subject": "s", "list": "l", "entry_id": "e",
        "entry_digest": "d", "ruling": "clear", "actor": "ada", "reason": "another man",
        "payment_id": "P-1", "decided_at": NOW,
    },
}  # fmt: skip
TOUCHED = [(table, column.name) for table in ROWS for column in table.c]


@pytest.fixture
def said(store: Store) -> Store:
    """One word of each kind, sealed, beside another of a neighbouring key."""
    with store.transaction() as connection:
        for table, row in ROWS.items():
            last = list(table.primary_key)[-1].name
            other = row[last] + 1 if isinstance(row[last], int) else f"{row[last]}c"
            connection.execute(table.insert(), [dict(row), {**row, last: other}])
    assert 2 * len(ROWS) == sealed(store).entries
    with store.reading() as connection:
        assert audit(connection, SOURCES).is_sound
    return store


def test_a_word_is_sealed_once(said: Store) -> None:
    """Its key is known again, however many columns it has."""
    assert 0 == sealed(said).entries


@pytest.mark.parametrize(("table", "column"), TOUCHED, ids=str)
def test_a_word_that_was_edited_is_found(said: Store, table: sa.Table, column: str) -> None:
    """Who said it, of what, when and why."""
    row = ROWS[table]
    mine = [table.c[name] == row[name] for name in (key.name for key in table.primary_key)]
    kind = table.c[column].type
    new = {str: "XXX", int: 7}.get(kind.python_type) or (
        date(2025, 1, 1) if isinstance(kind, sa.Date) else NOW.replace(year=2025)
    )
    with said.transaction() as connection:
        connection.execute(sa.update(table).where(*mine).values({column: new}))
    with said.reading() as connection:
        assert not audit(connection, SOURCES).is_sound


@pytest.mark.parametrize("table", ROWS, ids=str)
def test_a_word_that_was_taken_out_is_found(said: Store, table: sa.Table) -> None:
    """By the name of its table and its key."""
    row = ROWS[table]
    keys = [key.name for key in table.primary_key]
    with said.transaction() as connection:
        connection.execute(sa.delete(table).where(*(table.c[x] == row[x] for x in keys)))
    with said.reading() as connection:
        (flaw,) = audit(connection, SOURCES).flaws
    assert ("deleted", f"{table.name} {'/'.join(str(row[x]) for x in keys)}") == (
        flaw.wrong, flaw.entry,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ("a", ("a", "", "")),
        ("ab", ("a", "b", "")),
        ("abc", ("a", "b", "c")),
        ("abcde", ("a", "b", "c/d/e")),
    ],
)
def test_a_key_has_three_parts_in_the_seal(parts: str, key: tuple[str, str, str]) -> None:
    """What is more is sealed as one with the third."""
    assert key == padded(parts)
