"""Paying again: a linked payment on somebody's word, and never by itself to a dead account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from tests.unit.payments.test_seams import again as sent_again
from tests.unit.payments.test_seams import lose

from settle.adapters import Beneficiary, Evidence, Fact, Source
from settle.errors import BadInput
from settle.ledger import balances
from settle.payments import (
    Objection,
    Repayment,
    Silent,
    attention,
    cancel,
    horizon,
    note_restore,
    prove_undebited,
    record,
    repay,
    retract,
    returned,
    story,
)
from settle.store import Store

OTHER = Beneficiary(
    name="Mo", country="DE", town="Berlin", account="DE75512108001245126199", bic="SOGEDEFFXXX"
)


def line(payment_id: str, fact: Fact, minor: int = 100, **more: Any) -> Evidence:
    made = Evidence(
        evidence_id=f"{fact.value}/{payment_id}", source=Source.STATEMENT, fact=fact,
        reference=payment_id, occurred_at=datetime(2024, 12, 19, tzinfo=UTC), rail="single",
        amount_minor=minor, currency="EUR", code="AC04" if fact is Fact.RETURNED else "",
    )  # fmt: skip
    return replace(made, **more)


def came_back(desk: Any, *, short: int = 0) -> None:
    desk.ready(desk.due)
    desk.claim()
    lines = [line("P-00001", Fact.BOOKED), line("P-00001", Fact.RETURNED, 100 - short)]
    record(desk.store, lines, recorded_at=desk.now)


def again(desk: Any, payment_id: str = "P-00001", payee: Beneficiary | None = OTHER) -> Repayment:
    with desk.store.transaction() as connection:
        return repay(
            connection, payment_id, beneficiary=payee, actor="ada", reason="new account",
            value_date=date(2024, 12, 20), rails=desk.rails, at=desk.now,
            ids=lambda: f"P-{next(desk.ids):05d}",
        )  # fmt: skip


def books(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {b.account: b.balance_minor for b in balances(connection) if b.balance_minor}


def test_a_corrected_beneficiary_is_paid_what_is_owed_by_a_linked_payment(
    desk: Any, store: Store, states: Any
) -> None:
    """Other keys, the full amount, out of what was returned; done twice it is one payment."""
    came_back(desk, short=12)
    made = again(desk)
    assert (made.repays, made.amount_minor, made.hold_reason) == ("P-00001", 100, "")
    assert replace(made, already=True) == again(desk)
    assert states() == {"planned": 1, "returned": 1}
    desk.approve()
    desk.fund()
    (sending,) = desk.claim()
    assert sending.rows[0]["attempt"] == 2
    assert sending.payments[0].beneficiary == OTHER
    record(store, [line(made.payment_id, Fact.BOOKED)], recorded_at=desk.now)
    assert books(store) == {"charges/returns": 12, "nostro/single/acc": -112, "payable/A-1": 100}
    with store.reading() as connection:
        (owed,) = returned(connection)
        assert attention(connection) == []
        told = [x.detail for x in story(connection, made.payment_id).lines]
    assert (owed.status, owed.repaid_by) == ("repaid", made.payment_id)
    assert any("pays P-00001 again, by ada: new account" in detail for detail in told)


def test_no_night_pays_it_again_by_itself(desk: Any, states: Any) -> None:
    """Planning the obligation again makes no payment, before a person has decided and after."""
    came_back(desk)
    assert (0, 1) == (desk.plan(desk.due).planned, desk.plan(desk.due).already)
    again(desk)
    done = desk.plan(desk.due)
    assert (0, 1, []) == (done.planned, done.already, list(done.refused))
    assert states() == {"planned": 1, "returned": 1}


def test_the_same_account_takes_a_name_of_its_own(desk: Any, states: Any) -> None:
    """It is no correction; with nobody corrected, it is approved as it is and not held."""
    came_back(desk)
    with pytest.raises(BadInput, match="came back from this very account"):
        again(desk, payee=desk.due.beneficiary)
    assert again(desk, payee=None).hold_reason == ""
    assert states() == {"planned": 1, "returned": 1}


def test_an_account_that_sent_back_before_holds_the_correction(desk: Any) -> None:
    """Correcting to another dead account is no correction either."""
    came_back(desk)
    other = replace(desk.due, obligation_id="O-9", beneficiary=OTHER)
    desk.ready(other)
    desk.claim()
    lines = [line("P-00002", Fact.BOOKED), line("P-00002", Fact.RETURNED)]
    record(desk.store, lines, recorded_at=desk.now)
    assert "waits for a corrected beneficiary" in again(desk).hold_reason


def test_what_is_not_back_is_not_paid_again(desk: Any, store: Store) -> None:
    """Nor on the word of a rail, a notification or a second request to somebody else."""
    desk.ready(desk.due)
    desk.claim()
    for fact, source in [
        (Fact.BOOKED, Source.STATEMENT), (Fact.FAILED, Source.FIND), (Fact.RETURNED, Source.FIND)
    ]:  # fmt: skip
        record(store, [line("P-00001", fact, source=source)], recorded_at=desk.now)
        with pytest.raises(BadInput, match="nothing of it is owed again"):
            again(desk)
    back = line("P-00001", Fact.RETURNED, evidence_id="line/back")
    record(store, [back], recorded_at=desk.now)
    again(desk)
    with pytest.raises(BadInput, match="is planned: it is not paid again beside it"):
        again(desk, payee=replace(OTHER, name="Somebody else"))


def test_a_repayment_that_is_cancelled_or_rejected_waits_once_more(
    desk: Any, store: Store, states: Any
) -> None:
    """What came back is owed until it is paid, and each attempt has keys of its own."""
    came_back(desk)
    first = again(desk)
    with store.transaction() as connection:
        cancel(connection, first.payment_id, frees=True, actor="a", reason="r", at=desk.now)
    second = again(desk)
    desk.approve()
    desk.fund()
    (sending,) = desk.claim()
    refused = line(second.payment_id, Fact.REJECTED, source=Source.FIND, evidence_id="find")
    record(store, [refused], recorded_at=desk.now)
    assert sending.rows[0]["attempt"] == 3
    with store.reading() as connection:
        (owed,) = returned(connection)
    assert (owed.status, owed.repaid_by) == ("waiting_for_beneficiary", None)
    assert books(store) == {"returned/A-1": -100, "payable/A-1": 100}
    third = again(desk, payee=replace(OTHER, account="DE02120300000000202051", bic="BYLADEM1001"))
    assert third.amount_minor == 100
    assert states() == {"returned": 1, "cancelled": 1, "rejected": 1, "planned": 1}


def test_a_repayment_that_comes_back_is_owed_once(desk: Any, store: Store) -> None:
    """The chain goes on: the second return is owed, the first was paid."""
    came_back(desk)
    second = again(desk).payment_id
    desk.approve()
    desk.fund()
    desk.claim()
    lines = [line(second, Fact.BOOKED), line(second, Fact.RETURNED, 95)]
    record(store, lines, recorded_at=desk.now)
    assert books(store)["returned/A-1"] == -100
    with store.reading() as connection:
        owed = {x.payment_id: (x.status, x.amount_minor) for x in returned(connection)}
    assert owed == {"P-00001": ("repaid", 100), second: ("waiting_for_beneficiary", 100)}
    assert again(desk, second, desk.due.beneficiary).hold_reason != ""


@pytest.mark.parametrize("repaid", [False, True])
@pytest.mark.parametrize(
    ("late", "why"),
    [
        ({}, "returned twice by statement"),
        ({"amount_minor": 101}, "with 101, instructed 100"),
        ({"currency": "USD"}, "in USD, instructed in EUR"),
    ],
)
def test_a_late_return_that_does_not_fit_is_shown_and_posts_nothing(
    desk: Any, store: Store, late: dict[str, Any], why: str, repaid: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Twice, more than was paid, in another currency, before the re-payment and after it."""
    came_back(desk)
    if repaid:
        again(desk)
    stood = books(store)
    for _ in range(2):
        second = line("P-00001", Fact.RETURNED, evidence_id="line/late", **late)
        (found,) = record(store, [second], recorded_at=desk.now).contradictions
        assert why in found.why
    assert stood == books(store)
    with store.reading() as connection:
        assert len(returned(connection)) == 1
        assert any(why in x.contradiction for x in attention(connection))


def failed(desk: Any) -> None:
    desk.ready(desk.due)
    desk.claim()
    said = [
        line("P-00001", fact, source=Source.FIND) for fact in (Fact.ACCEPTED, Fact.FAILED)
    ]  # fmt: skip
    record(desk.store, said, recorded_at=desk.now)


def gone(
    desk: Any, *, second: str | None = "bob", at: datetime | None = None, **changes: Any
) -> bool:
    profile = desk.rails["single"].profile
    (row,) = rows_of(desk.store)
    with desk.store.transaction() as connection:
        first, last = horizon(connection, row, profile)
        silent = Silent(**{"first": first, "last": last, **changes})
        return prove_undebited(
            connection, "P-00001", silent=silent, profile=profile, actor="ada", second=second,
            reason="failed", at=at or datetime.combine(last + timedelta(1), time(), tzinfo=UTC),
        )  # fmt: skip


def rows_of(store: Store) -> list[Any]:
    import sqlalchemy as sa

    from settle.payments.tables import payments

    with store.reading() as connection:
        query = sa.select(payments).where(payments.c.payment_id == "P-00001")
        return [dict(row) for row in connection.execute(query).mappings()]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"against": ["no statement of 2024-12-19 is kept"]}, "no statement of 2024-12-19"),
        ({"last": date(2024, 12, 19)}, "past the rail's horizon"),
        ({"at": datetime(2024, 12, 20, tzinfo=UTC)}, "the rail's horizon ends on 2024-12-2"),
        ({"second": None}, "a second person must agree"),
        ({"second": " ADA"}, "the second person is the first"),
    ],
)
def test_what_failed_after_acceptance_is_let_go_on_whole_proof_only(
    desk: Any, store: Store, changes: dict[str, Any], why: str
) -> None:
    """Each part that is missing is named, and nothing is freed."""
    failed(desk)
    with pytest.raises(BadInput, match=why):
        gone(desk, **changes)
    with pytest.raises(BadInput, match="nothing of it is owed again"):
        again(desk)
    assert books(store) == {"payable/A-1": 100, "in_transit/single": -100}


def test_what_was_never_debited_is_paid_again_and_a_late_booking_stops_that(
    desk: Any, store: Store, states: Any
) -> None:
    """The funds are free, a linked payment stands; if the bank booked after all, it never goes."""
    failed(desk)
    assert gone(desk)
    assert not gone(desk)
    assert books(store) == {}
    made = again(desk, payee=None)
    assert (made.amount_minor, states()) == (100, {"failed": 1, "planned": 1})
    desk.approve()
    desk.fund()
    late = line("P-00001", Fact.BOOKED)
    found = [x.why for x in record(store, [late], recorded_at=desk.now).contradictions]
    assert "proved never to have been debited, and proved to be paid" in found
    assert desk.claim() == []
    assert books(store) == {"payable/A-1": 100, "nostro/single/acc": -100}


def test_what_failed_and_was_sent_by_the_store_that_was_put_back_only_is_let_go_too(
    desk: Any, store: Store, states: Any
) -> None:
    """Statements cover all of the time in which that may have been."""
    desk.ready(desk.due)
    said = [
        line("P-00001", fact, source=Source.FIND) for fact in (Fact.ACCEPTED, Fact.FAILED)
    ]  # fmt: skip
    record(store, said, recorded_at=desk.now)
    with pytest.raises(BadInput, match="is failed, and never left"):
        gone(desk)
    put_back = desk.now + timedelta(days=9)
    with store.transaction() as connection:
        note_restore(connection, taken_at=desk.now, at=put_back)
    with pytest.raises(BadInput, match=r"statements from .* are due"):
        gone(desk, last=put_back.date())
    assert gone(desk)
    assert books(store) == {}
    again(desk, payee=None)
    assert states() == {"failed": 1, "planned": 1}


def test_what_was_let_go_and_taken_back_is_let_go_anew(desk: Any, store: Store) -> None:
    """The second proof is one of its own; the same once more changes nothing."""
    failed(desk)
    desk.now += timedelta(hours=1)
    for name in ("not_debited", "not_debited/2"):
        assert (True, False) == (gone(desk), gone(desk))
        assert books(store) == {}
        for actor in ("ada", "bob"):
            said = Objection(
                payment_id="P-00001", evidence_id=name, actor=actor, why="it was", at=desk.now
            )
            with store.transaction() as connection:
                retract(connection, said)
        assert books(store) == {"payable/A-1": 100, "in_transit/single": -100}


def test_what_was_debited_after_all_keeps_its_re_payment_from_being_sent_once_more(
    desk: Any, store: Store
) -> None:
    """Two people take back that it never was, while nobody knows what became of the second."""
    failed(desk)
    gone(desk)
    again(desk)
    desk.approve()
    desk.fund()
    name = lose(desk)
    desk.now += timedelta(hours=1)
    for actor in ("ada", "bob"):
        said = Objection(
            payment_id="P-00001", evidence_id="not_debited", actor=actor, why="it was",
            at=desk.now,
        )  # fmt: skip
        with store.transaction() as connection:
            retract(connection, said)
    assert [] == sent_again(desk, name)
