"""A debit without a reference: what it looks like is not what it proves."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.properties.test_notifications import ACCOUNT, NOW, RAIL
from tests.unit.hub.test_correcting import DAY, Paper, hub, reference, sound, states

from settle.adapters import Statement, StatementDocument, StatementLine
from settle.hub import Hub
from settle.payments import Event, EventKind, Verdict
from settle.payments.events import append
from settle.reconciliation import BreakKind, keep, open_breaks

__all__ = ["hub"]


class Named(Paper):
    """Reads `[[reference, amount, end_to_end_id, party], …]`."""

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement as the test wrote it, each line with its party."""
        lines = json.loads(document.content)
        return Statement(
            rail=document.rail, account=document.account, currency=document.currency,
            day=document.day, statement_ref="1", opening_minor=0,
            closing_minor=sum(minor for _, minor, _, _ in lines), complete=document.complete,
            lines=tuple(
                StatementLine(
                    line_ref=ref, amount_minor=minor, currency=document.currency,
                    booked_on=document.day, value_on=document.day, end_to_end_id=name,
                    counterparty=party,
                )
                for ref, minor, name, party in lines
            ),
        )  # fmt: skip


def debit(hub: Hub, party: str) -> None:
    """The statement: P-2 by its reference, and as much once more without any."""
    lines = [("L2", -1000, reference(hub, "P-2"), ""), ("L1", -1000, None, party)]
    document = StatementDocument(
        rail=RAIL, account=ACCOUNT, currency="AUD", day=DAY, format="paper",
        content=json.dumps(lines).encode(), complete=True,
    )  # fmt: skip
    keep(hub.store, document, adapter=Named(None), received_at=NOW + timedelta(days=1))
    hub.reconcile(DAY)


def lost(hub: Hub) -> None:
    """Nobody knows what became of P-1."""
    event = Event(
        payment_id="P-1", event_id="unknown/1", kind=EventKind.UNKNOWN, occurred_at=NOW, ordinal=1
    )
    with hub.store.transaction() as connection:
        append(connection, [event], recorded_at=NOW)


def broken(hub: Hub) -> list[tuple[BreakKind, str]]:
    with hub.store.reading() as connection:
        return [(found.kind, found.evidence) for found in open_breaks(connection)]


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_a_strangers_debit_pays_nobody(hub: Hub, state: str) -> None:
    """It has the amount and the day of a payment that is on its way, and another party."""
    if state == "unknown":
        lost(hub)
    debit(hub, "ELECTRICITY BOARD")
    assert [state, "booked"] == states(hub)
    ((kind, why),) = broken(hub)
    assert BreakKind.UNEXPECTED is kind
    assert "No payment, batch or expected receipt fits" in why
    assert 1000 == sound(hub)["suspense"]


@pytest.mark.parametrize("party", ["", "KOALA PTY"])
def test_a_debit_that_looks_like_it_closes_no_unknown(hub: Hub, party: str) -> None:
    """It is a break that says so; once two people have said it was executed, it is its booking."""
    lost(hub)
    debit(hub, party)
    assert ["unknown", "booked"] == states(hub)
    ((kind, why),) = broken(hub)
    assert BreakKind.REFERENCE is kind
    assert "looks like payment P-1, of which nobody knows the outcome" in why
    assert 1000 == sound(hub)["suspense"]
    said: dict[str, Any] = {"verdict": Verdict.EXECUTED, "why": "the bank's letter"}
    assert not hub.decide("P-1", actor="ada", **said).closed
    assert hub.decide("P-1", actor="bob", **said).closed
    hub.reconcile(DAY)
    assert (["booked", "booked"], []) == (states(hub), broken(hub))
    assert "suspense" not in sound(hub)
