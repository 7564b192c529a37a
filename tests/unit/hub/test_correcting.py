"""A statement's line that was another's: its payment gives it up; nostro is as the bank has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.properties.test_notifications import ACCOUNT, CONFIG, NOW, PAYEE, RAIL, keys

from settle.adapters import Adapter, Statement, StatementDocument, StatementLine
from settle.errors import BadInput
from settle.hub import Hub
from settle.ledger import balances, nostro_against_statements, trial_balance
from settle.payments import (
    Corrected,
    Due,
    EventKind,
    Policy,
    approve,
    evidence_of,
    fund,
    open_totals,
    plan,
)
from settle.payments.claiming import Claim, claim
from settle.payments.leasing import Lease
from settle.payments.tables import payments
from settle.reconciliation import closings, keep, open_breaks, reopened

DAY = NOW.date()
NOSTRO = f"nostro/{RAIL}/{ACCOUNT}"


class Paper(Adapter[Any]):
    """Reads `[[reference, amount, end_to_end_id], …]`."""

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement as the test wrote it, from nothing."""
        lines = json.loads(document.content)
        return Statement(
            rail=document.rail, account=document.account, currency=document.currency,
            day=document.day, statement_ref="1", opening_minor=0,
            closing_minor=sum(minor for _, minor, _ in lines), complete=document.complete,
            lines=tuple(
                StatementLine(
                    line_ref=ref, amount_minor=minor, currency=document.currency,
                    booked_on=document.day, value_on=document.day, end_to_end_id=name,
                )
                for ref, minor, name in lines
            ),
        )  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_url: str) -> Iterator[Hub]:
    """Two payments of 10.00 AUD that were sent, on each database in turn."""
    keys(monkeypatch)
    config = CONFIG.replace("sqlite:///settle.db", store_url)
    (tmp_path / "settle.toml").write_text(config)
    with Hub.open(tmp_path / "settle.toml", clock=lambda: NOW) as hub:
        dues = [
            Due(
                obligation_id=f"O-{n}", agreement_id="A", currency="AUD", amount_minor=1000,
                value_date=DAY, beneficiary=PAYEE,
            )
            for n in (1, 2)
        ]  # fmt: skip
        ids = iter(("P-1", "P-2"))
        plan(hub.store, dues, rails=hub.adapters, tenant="t", now=NOW, ids=lambda: next(ids))
        approve(hub.store, Policy(limit_minor={"AUD": 10_000}), now=NOW)
        fund(hub.store, balances={(RAIL, ACCOUNT, "AUD"): 10**6}, now=NOW)
        lease = Lease(rail=RAIL, worker="w", now=NOW - timedelta(hours=1), length=timedelta(1 / 99))
        with hub.store.transaction() as connection:
            wish = Claim(lease=lease, count_max=9, batch_size_max=None, day=DAY)
            assert [2] == [len(found) for found in claim(connection, [wish])]
            connection.execute(sa.update(payments).values(worker=None))
        yield hub


def state(hub: Hub, *lines: tuple[str, int, str | None]) -> None:
    """The bank's statement of the day, taken in and explained."""
    document = StatementDocument(
        rail=RAIL, account=ACCOUNT, currency="AUD", day=DAY, format="paper",
        content=json.dumps(lines).encode(), complete=True,
    )  # fmt: skip
    keep(hub.store, document, adapter=Paper(None), received_at=NOW + timedelta(days=1))
    hub.reconcile(DAY)


def reference(hub: Hub, name: str) -> str:
    query = sa.select(payments.c.end_to_end_id).where(payments.c.payment_id == name)
    with hub.store.reading() as connection:
        return str(connection.scalar(query))


def line_of(hub: Hub, name: str, kind: EventKind = EventKind.BOOKED) -> str:
    with hub.store.reading() as connection:
        (found,) = (e.event_id for e in evidence_of(connection, name) if e.kind is kind)
    return found


def take_back(hub: Hub, name: str, proof: str, **instead: Any) -> Corrected:
    assert not hub.retract(name, proof, actor="ada", why="a letter", **instead).closed
    done = hub.retract(name, proof, actor="bob", why="a letter", **instead)
    assert done.closed
    return done


def sound(hub: Hub) -> dict[str, int]:
    """The balances of a store in which the nightly checks hold, and which the audit finds sound."""
    hub.seal()
    assert hub.audit().is_sound
    with hub.store.reading() as connection:
        found = balances(connection)
        totals = open_totals(connection)
        proofs = [*trial_balance(found), *nostro_against_statements(found, closings(connection))]
        assert [] == [proof for proof in proofs if not proof.holds]
    told = {each.account: each.balance_minor for each in found if each.balance_minor}
    in_transit = -told.get(f"in_transit/{RAIL}", 0)
    assert in_transit == sum(totals.values())
    return told


def states(hub: Hub) -> list[str]:
    with hub.store.reading() as connection:
        return list(connection.scalars(sa.select(payments.c.state).order_by("payment_id")))


def test_a_line_of_another_payment_is_given_to_it(hub: Hub) -> None:
    """In one act: the first is in transit again, the other is booked, and nostro never moves."""
    state(hub, ("L1", -1000, reference(hub, "P-1")))
    assert ["booked", "sending"] == states(hub)
    before = sound(hub)
    take_back(hub, "P-1", line_of(hub, "P-1"), of="P-2")
    assert ["unknown", "booked"] == states(hub)
    assert before == sound(hub)
    hub.reconcile(DAY)
    assert (["unknown", "booked"], before) == (states(hub), sound(hub))


def test_a_line_of_nobody_knows_whom_waits_in_suspense(hub: Hub) -> None:
    """No pass gives it back: it is a break until two people say whose it is."""
    state(hub, ("L1", -1000, reference(hub, "P-1")))
    proof = line_of(hub, "P-1")
    take_back(hub, "P-1", proof)
    hub.reconcile(DAY)
    told = sound(hub)
    assert (-1000, 1000) == (told[NOSTRO], told["suspense"])
    with hub.store.reading() as connection:
        assert ["unexpected"] == [each.kind.value for each in open_breaks(connection)]
    take_back(hub, "P-1", proof, of="P-2")
    assert ["unknown", "booked"] == states(hub)
    assert "suspense" not in sound(hub)
    with pytest.raises(BadInput, match="the line was taken from it"):
        take_back(hub, "P-2", line_of(hub, "P-2"), of="P-1")


def test_a_payment_that_gave_its_line_up_takes_the_right_one(hub: Hub) -> None:
    """Its booking is free for the line that a later statement has."""
    mine = reference(hub, "P-1")
    state(hub, ("L1", -1000, mine))
    take_back(hub, "P-1", line_of(hub, "P-1"), of="P-2")
    state(hub, ("L1", -1000, mine), ("L2", -1000, mine))
    assert ["booked", "booked"] == states(hub)
    assert -2000 == sound(hub)[NOSTRO]


def test_a_line_that_the_bank_takes_back_never_moved_anything(hub: Hub) -> None:
    """The corrected statement has it no more; its booking is reversed, and nothing is suspended."""
    state(hub, ("L1", -1000, reference(hub, "P-1")))
    state(hub)
    take_back(hub, "P-1", line_of(hub, "P-1"), struck=True)
    told = sound(hub)
    assert (["unknown", "sending"], 0) == (states(hub), told.get(NOSTRO, 0))
    hub.reconcile(DAY)
    assert told == sound(hub)


def test_a_return_of_another_payment_is_given_to_it(hub: Hub) -> None:
    """The first stands booked as before, and its match is closed again; the other one is back."""
    one, two = reference(hub, "P-1"), reference(hub, "P-2")
    booked = (("L1", -1000, one), ("L2", -1000, two))
    state(hub, *booked)
    state(hub, *booked, ("L3", 1000, one))
    assert ["returned", "booked"] == states(hub)
    take_back(hub, "P-1", line_of(hub, "P-1", EventKind.RETURNED), of="P-2")
    assert ["booked", "returned"] == states(hub)
    assert -1000 == sound(hub)[NOSTRO]
    with hub.store.reading() as connection:
        assert ["P-2"] == [each.payment_id for each in reopened(connection)]


def test_no_statement_of_a_correction_changes_what_is_append_only(hub: Hub) -> None:
    """Taken in, booked, sealed, taken back, given away and sealed again: rows are only added."""
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement.lower())

    sa.event.listen(hub.store.engine, "before_cursor_execute", hear)
    state(hub, ("L1", -1000, reference(hub, "P-1")))
    hub.seal()
    take_back(hub, "P-1", line_of(hub, "P-1"), of="P-2")
    sound(hub)
    kept = ("journal", "payment_events", "seal_blocks", "sealed_rows", "statement_documents")
    assert any("insert into journal" in each for each in said)
    verbs = [f"{verb} {table}" for verb in ("update", "delete from") for table in kept]
    assert [] == [each for each in said if each.startswith(tuple(verbs))]


@pytest.mark.parametrize(
    ("to", "why"),
    [("P-9", "there is no payment P-9"), ("P-1", "the line was taken from it")],
)
def test_a_line_goes_to_no_payment_that_it_cannot_be_of(hub: Hub, to: str, why: str) -> None:
    """The refusal names it, and nothing at all has changed."""
    state(hub, ("L1", -1000, reference(hub, "P-1")))
    before = sound(hub)
    proof = line_of(hub, "P-1")
    hub.retract("P-1", proof, actor="ada", why="a letter", of=to)
    with pytest.raises(BadInput, match=why):
        hub.retract("P-1", proof, actor="bob", why="a letter", of=to)
    assert ("booked", before) == (states(hub)[0], sound(hub))


def test_a_line_of_another_amount_is_not_given(hub: Hub) -> None:
    """Neither is one to a payment that a line books already."""
    state(hub, ("L1", -1000, reference(hub, "P-1")), ("L2", -1000, reference(hub, "P-2")))
    hub.retract("P-1", line_of(hub, "P-1"), actor="ada", why="w", of="P-2")
    with pytest.raises(BadInput, match="is its booking already"):
        hub.retract("P-1", line_of(hub, "P-1"), actor="bob", why="w", of="P-2")
    with hub.store.transaction() as connection:
        here = payments.c.payment_id == "P-2"
        connection.execute(sa.update(payments).where(here).values(amount_minor=999))
    with pytest.raises(BadInput, match="the line moves 1000 AUD, and it is of 999"):
        hub.retract("P-1", line_of(hub, "P-1"), actor="bob", why="w", of="P-2")
