"""After a restore, a debit on a statement that nothing explains keeps what it may have paid."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.payments.conftest import Desk

from settle.hub import Hub
from settle.payments.identity import identity
from settle.payments.tables import payments
from settle.payments.withholding import LIKE_A_DEBIT, PAID_ELSEWHERE
from settle.reconciliation.tables import statement_lines

DAY = date(2024, 12, 18)
NOW = datetime(2024, 12, 19, 8, tzinfo=UTC)
THIRD = identity("t", "O-1", attempt=3).end_to_end_id


def open_hub(folder: Path, url: str) -> Hub:
    path = folder / "settle.toml"
    path.write_text(
        f'[settle]\ntenant = "t"\nstore = "{url}"\n'
        '[clearing]\nagreements = "a.csv"\nrates = "r.csv"\n'
    )
    return Hub.open(path, clock=lambda: NOW)


def show(hub: Hub, *, end_to_end_id: str = "") -> None:
    """A line by which as much left as the waiting payment would take."""
    line = {
        "line_id": "L", "document_id": "D", "source": "statement", "rail": "single",
        "account": "acc", "day": DAY, "line_ref": "1", "amount_minor": -100, "currency": "EUR",
        "booked_on": DAY, "value_on": DAY, "kind": "transfer",
        "end_to_end_id": end_to_end_id or None, "batch_count": 0, "charges_minor": 0,
        "counterparty": "somebody", "remittance_information": "", "reference_names": "{}",
    }  # fmt: skip
    with hub.store.transaction() as connection:
        connection.execute(statement_lines.insert(), line)


def hold(hub: Hub) -> str:
    with hub.store.reading() as connection:
        return str(connection.scalar(sa.select(payments.c.hold_reason)))


@pytest.mark.parametrize(
    ("past", "named", "held"),
    [
        ("never put back", "", ""),
        ("put back", "", LIKE_A_DEBIT),
        ("resumed", "", ""),
        ("resumed", THIRD, PAID_ELSEWHERE),
    ],
)
def test_a_debit_that_nothing_explains_holds_what_it_may_have_paid(
    tmp_path: Path, store_url: str, past: str, named: str, held: str
) -> None:
    """By its amount until a person lets the store go on; by a name of ours ever after."""
    with open_hub(tmp_path, store_url) as hub:
        Desk(hub.store).ready(Desk.due)
        if past != "never put back":
            hub.epoch.begin_search(at=NOW)
        if past == "resumed":
            hub.epoch.accept(actor="alice", at=NOW)
        show(hub, end_to_end_id=named)
        hub.reconcile(DAY)
        assert held == hold(hub)


def test_the_audit_of_a_hub_names_a_payment_that_was_not_approved_as_it_stands(
    tmp_path: Path, store_url: str
) -> None:
    """Its row is not sealed; the approval that it is held against is."""
    with open_hub(tmp_path, store_url) as hub:
        Desk(hub.store).ready(Desk.due)
        hub.seal()
        assert hub.audit().is_sound
        with hub.store.transaction() as connection:
            connection.execute(payments.update().values(beneficiary_name="Mallory"))
        assert [
            "payments P-00001: not approved: the instruction is not the one that was approved"
        ] == [str(flaw) for flaw in hub.audit().flaws]
