"""What evidence said wrongly is taken back by two people; what does not fit, explained."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.errors import BadInput
from settle.ledger import (
    JOURNAL,
    audit,
    balances,
    in_transit_against_payments,
    seal,
    trial_balance,
)
from settle.ledger.tables import journal
from settle.payments import (
    SEALED,
    Corrected,
    Event,
    EventKind,
    Explanation,
    Objection,
    State,
    Statement,
    Verdict,
    attention,
    decide,
    evidence_of,
    explain,
    open_totals,
    record,
    repay,
    retract,
    state_of,
)
from settle.payments.events import append, events_of
from settle.payments.postings import Subject, rows
from settle.payments.state import DECISION, standing
from settle.payments.tables import payments, returned_payables
from settle.store import Store

States = Callable[[], dict[str, int]]
NOSTRO, TRANSIT, PAYABLE = "nostro/single/acc", "in_transit/single", "payable/A-1"


@pytest.fixture
def out(desk: Any) -> str:
    """A payment of 1.00 EUR that was sent and accepted."""
    desk.release(desk.due)
    return "P-00001"


def proof(desk: Any, name: str, fact: Fact = Fact.BOOKED, **changes: Any) -> Evidence:
    made = Evidence(
        evidence_id=f"{fact.value}/1", source=Source.STATEMENT, fact=fact, reference=name,
        occurred_at=desk.now, rail="single", amount_minor=100, currency="EUR",
    )  # fmt: skip
    return replace(made, **changes)


def take(desk: Any, *evidence: Evidence) -> None:
    record(desk.store, evidence, recorded_at=desk.now)


def object_to(
    desk: Any, name: str, evidence_id: str, actor: str, *, later: timedelta = timedelta(),
    instead: str = "",
) -> Corrected:  # fmt: skip
    said = Objection(
        payment_id=name, evidence_id=evidence_id, actor=actor, why="the bank's letter",
        at=desk.now + later, instead=instead,
    )  # fmt: skip
    with desk.store.transaction() as connection:
        return retract(connection, said)


def take_back(desk: Any, name: str, evidence_id: str) -> Corrected:
    assert not object_to(desk, name, evidence_id, "ada").closed
    done = object_to(desk, name, evidence_id, "bob")
    assert done.closed
    return done


def account_for(desk: Any, name: str, actor: str) -> Corrected:
    said = Explanation(payment_id=name, actor=actor, why="we looked", at=desk.now)
    with desk.store.transaction() as connection:
        return explain(connection, said)


def nets(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        found = balances(connection)
        assert all(each.holds for each in trial_balance(found))
        totals = open_totals(connection)
        assert all(each.holds for each in in_transit_against_payments(found, totals))
    return {each.account: each.balance_minor for each in found if each.balance_minor}


def posted(store: Store, name: str) -> list[str]:
    query = sa.select(journal.c.event).where(journal.c.subject == name).order_by(journal.c.event)
    with store.reading() as connection:
        return list(connection.scalars(query))


def test_one_person_takes_nothing_back(desk: Any, out: str, store: Store, states: States) -> None:
    """Said twice, or in capitals, it is one person's word, and it does not wait for ever."""
    take(desk, proof(desk, out))
    for actor in ("ada", "ada", " ADA "):
        assert not object_to(desk, out, "booked/1", actor).closed
    assert not object_to(desk, out, "booked/1", "bob", later=timedelta(days=4)).closed
    assert ({"booked": 1}, ["booking", "release/1"]) == (states(), posted(store, out))


def test_two_people_who_mean_different_things_take_nothing_back(desk: Any, out: str) -> None:
    """Both have to say the same of the movement, too."""
    take(desk, proof(desk, out))
    object_to(desk, out, "booked/1", "ada", instead="it is of payment P-2")
    assert not object_to(desk, out, "booked/1", "bob", instead="").closed
    assert object_to(desk, out, "booked/1", "bob", instead="it is of payment P-2").closed


def test_a_booking_that_never_was_is_reversed(
    desk: Any, out: str, store: Store, states: States
) -> None:
    """The row that it posted stays, and one turns it round; the money is in transit once more."""
    take(desk, proof(desk, out))
    assert {NOSTRO: -100, PAYABLE: 100} == nets(store)
    done = take_back(desk, out, "booked/1")
    assert (State.ACCEPTED, ["ada", "bob"]) == (done.state, list(done.by))
    assert {"accepted": 1} == states()
    assert {TRANSIT: -100, PAYABLE: 100} == nets(store)
    assert ["booking", "release/1", "retracted/1"] == posted(store, out)


def test_the_right_evidence_counts_after_the_wrong_one(
    desk: Any, out: str, store: Store, states: States
) -> None:
    """It is booked anew; the wrong one, told again, goes on counting for nothing."""
    take(desk, proof(desk, out))
    take_back(desk, out, "booked/1")
    take(desk, proof(desk, out))
    assert {"accepted": 1} == states()
    take(desk, proof(desk, out, evidence_id="booked/2"))
    assert ({"booked": 1}, {NOSTRO: -100, PAYABLE: 100}) == (states(), nets(store))
    take_back(desk, out, "booked/2")
    assert {TRANSIT: -100, PAYABLE: 100} == nets(store)
    assert 2 == posted(store, out).count("booking")
    assert {"retracted/1", "retracted/2"} <= set(posted(store, out))


def test_what_contradicts_is_shown_until_it_is_taken_back(
    desk: Any, out: str, store: Store
) -> None:
    """Of two sources that contradict each other the wrong one goes, and all fits again."""
    take(desk, proof(desk, out), proof(desk, out, Fact.FAILED, source=Source.FIND))
    with store.reading() as connection:
        (shown,) = attention(connection)
    assert "said to have failed, and proved to be paid" == shown.why
    assert () == take_back(desk, out, "failed/1").contradictions
    with store.reading() as connection:
        assert [] == attention(connection)


def test_what_is_true_and_does_not_fit_is_explained(desk: Any, out: str, store: Store) -> None:
    """Nothing that counts changes by it, and the next contradiction is shown as ever."""
    odd = proof(desk, out, evidence_id="odd", amount_minor=77)
    take(desk, proof(desk, out), odd)
    before = nets(store), posted(store, out)
    assert not account_for(desk, out, "ada").closed
    done = account_for(desk, out, "bob")
    assert (True, ()) == (done.closed, done.contradictions)
    assert before == (nets(store), posted(store, out))
    with store.reading() as connection:
        assert [] == attention(connection)
    take(desk, replace(odd, evidence_id="odder", amount_minor=78))
    with store.reading() as connection:
        (shown,) = attention(connection)
    assert "(odder) with 78" in shown.why
    assert not account_for(desk, out, "carol").closed


def test_one_more_of_what_was_explained_is_shown_again(desk: Any, out: str) -> None:
    """That the bank booked it twice was accounted for; that it booked it three times was not."""
    take(desk, proof(desk, out), proof(desk, out, evidence_id="booked/2"))
    account_for(desk, out, "ada")
    assert () == tuple(account_for(desk, out, "bob").contradictions)
    take(desk, proof(desk, out, evidence_id="booked/3"))
    assert ("booked 3 times by statement",) == tuple(account_for(desk, out, "ada").contradictions)


def test_there_is_nothing_to_explain_where_all_fits(desk: Any, out: str) -> None:
    """The refusal says so."""
    with pytest.raises(BadInput, match="everything that is known of it fits"):
        account_for(desk, out, "ada")


def test_a_rejection_that_was_anothers_makes_the_payment_unknown(
    desk: Any, store: Store, states: States
) -> None:
    """It may be out: its money is reserved again, its obligation its own, and nobody sends it."""
    desk.ready(desk.due)
    desk.claim()
    no = proof(desk, "P-00001", Fact.REJECTED, source=Source.FIND)
    take(desk, no)
    assert ({"rejected": 1}, {}) == (states(), nets(store))
    with pytest.raises(BadInput, match="worker w holds it"):
        object_to(desk, "P-00001", "rejected/1", "ada")
    desk.now += timedelta(minutes=6)
    take_back(desk, "P-00001", "rejected/1")
    assert ({"unknown": 1}, {TRANSIT: -100, PAYABLE: 100}) == (states(), nets(store))
    with store.reading() as connection:
        row = connection.execute(sa.select(payments)).mappings().one()
    assert (True, None) == (row["live"], row["worker"])
    assert [] == desk.claim()


def test_an_obligation_gets_no_second_live_payment(desk: Any, store: Store, states: States) -> None:
    """Where another stands by now, the first stays as it is, and the refusal names the other."""
    desk.ready(desk.due)
    desk.claim()
    take(desk, proof(desk, "P-00001", Fact.REJECTED, source=Source.FIND))
    desk.now += timedelta(minutes=6)
    with store.transaction() as connection:
        row = dict(connection.execute(sa.select(payments)).mappings().one())
        names = ("payment_id", "idempotency_key", "end_to_end_id", "uetr")
        again = {name: f"{row[name]}2"[-35:] for name in names}
        connection.execute(sa.insert(payments), row | again | {"live": True, "state": "planned"})
    object_to(desk, "P-00001", "rejected/1", "ada")
    with pytest.raises(BadInput, match="P-000012 stands for its obligation"):
        object_to(desk, "P-00001", "rejected/1", "bob")
    assert {"planned": 1, "rejected": 1} == states()


def test_what_people_decided_wrongly_is_taken_back_as_well(
    desk: Any, store: Store, states: States
) -> None:
    """Their word that it was not executed freed its money; without it that is reserved again."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    unknown = Event(
        payment_id="P-00001", event_id="u", kind=EventKind.UNKNOWN, occurred_at=desk.now, ordinal=1
    )
    with store.transaction() as connection:
        append(connection, [unknown], recorded_at=desk.now)
        connection.execute(sa.update(payments).values(worker=None))
    assert sending.rows
    for actor in ("ada", "bob"):
        said = Statement(
            payment_id="P-00001", verdict=Verdict.NOT_EXECUTED, actor=actor, why="w", at=desk.now
        )
        decide(store, said)
    assert ({"cancelled": 1}, {}) == (states(), nets(store))
    take_back(desk, "P-00001", "decided/1.0")
    assert ({"unknown": 1}, {TRANSIT: -100, PAYABLE: 100}) == (states(), nets(store))


def test_a_return_that_was_anothers_is_owed_no_more(
    desk: Any, out: str, store: Store, states: States
) -> None:
    """With it goes who bears its charges; the right one is owed again in its stead."""
    take(desk, proof(desk, out), proof(desk, out, Fact.RETURNED, amount_minor=90))
    assert {"charges/returns": 10, NOSTRO: -10} == _without(nets(store), "returned/A-1", PAYABLE)
    take_back(desk, out, "returned/1")
    assert ({"booked": 1}, {NOSTRO: -100, PAYABLE: 100}) == (states(), nets(store))
    with store.reading() as connection:
        assert [] == connection.execute(sa.select(returned_payables)).all()
    take(desk, proof(desk, out, Fact.RETURNED, evidence_id="returned/2", amount_minor=95))
    with store.reading() as connection:
        assert [95] == list(connection.scalars(sa.select(returned_payables.c.back_minor)))
    assert {"charges/returns": 5, NOSTRO: -5} == _without(nets(store), "returned/A-1", PAYABLE)


def _without(found: dict[str, int], *names: str) -> dict[str, int]:
    return {account: minor for account, minor in found.items() if account not in names}


def test_a_return_that_is_paid_again_stays(desk: Any, out: str, store: Store) -> None:
    """The payment that pays it again would pay what nobody gave back; the refusal names it."""
    take(desk, proof(desk, out), proof(desk, out, Fact.RETURNED))
    with store.transaction() as connection:
        repay(
            connection, out, beneficiary=None, actor="ada", reason="r", at=desk.now,
            value_date=desk.due.value_date, rails=desk.rails, ids=lambda: "P-again",
        )  # fmt: skip
    with pytest.raises(BadInput, match="paid again by payment P-again"):
        object_to(desk, out, "returned/1", "ada")


def test_only_evidence_can_be_taken_back(desk: Any, out: str, store: Store) -> None:
    """Not what was done here, nor what is not there; and nothing while a worker holds it."""
    for name, why in (("release/1", "no evidence"), ("nothing", "nothing is stored as nothing")):
        with store.reading() as connection:
            events = events_of(connection, [out])[out]
        known = {e.kind: e.event_id for e in events}
        with pytest.raises(BadInput, match=why):
            object_to(desk, out, known.get(EventKind.RELEASED, "") if "/" in name else name, "ada")
    with pytest.raises(BadInput, match="there is no payment P-9"):
        object_to(desk, "P-9", "x", "ada")
    with store.reading() as connection:
        assert ["accepted/1.0"] == [e.event_id for e in evidence_of(connection, out)]
    held = sa.update(payments).values(worker="w", lease_until=desk.now + timedelta(minutes=1))
    with store.transaction() as connection:
        connection.execute(held)
    with pytest.raises(BadInput, match="worker w holds it"):
        object_to(desk, out, "accepted/1.0", "ada")


def test_the_seal_holds_over_a_correction(desk: Any, out: str, store: Store) -> None:
    """Nothing that was sealed is touched; the correction is sealed with the next block."""
    sources = (JOURNAL, *SEALED)
    take(desk, proof(desk, out))
    seal(store, sources, now=desk.now)
    take_back(desk, out, "booked/1")
    head = seal(store, sources, now=desk.now).head
    assert head is not None
    with store.reading() as connection:
        found = audit(connection, sources, heads=[head])
    assert (True, 2, 0) == (found.is_sound, found.blocks, found.unsealed)


@pytest.mark.parametrize("seed", range(6))
def test_the_journal_is_what_stands_whatever_was_taken_back(
    desk: Any, store: Store, seed: int
) -> None:
    """Any evidence in any order, any of it taken back at any time: rows add up to what stands."""
    draw = random.Random(seed)
    names = desk.release(*desk.dues(5))
    with store.reading() as connection:
        ids = list(connection.scalars(sa.select(payments.c.payment_id).order_by("payment_id")))
    assert len(names) == len(ids) == 5
    for name in ids:
        for step in range(8):
            at = desk.now + timedelta(hours=draw.randrange(99))
            with store.transaction() as connection:
                known = events_of(connection, [name])[name]
                append(connection, [_drawn(draw, name, step, known, at)], recorded_at=at)
            assert _implied(store, name) == _net(store, name), (name, step)
    nets(store)


def _drawn(
    draw: random.Random, name: str, step: int, known: Sequence[Event], at: datetime
) -> Event:
    gone = sum(e.kind is EventKind.RETRACTED for e in known)
    facts = [e for e in standing(known) if e.source not in ("engine", DECISION)]
    if facts and draw.random() < 0.4:
        wrong = min(facts, key=lambda e: (draw.random(), e.event_id))
        return Event(
            payment_id=name, event_id=f"retracted/{gone + 1}", kind=EventKind.RETRACTED,
            occurred_at=at, source=DECISION, ordinal=gone + 1, code=wrong.event_id,
        )  # fmt: skip
    kinds = (
        EventKind.BOOKED, EventKind.RETURNED, EventKind.REJECTED, EventKind.CANCELLED,
        EventKind.NOT_DEBITED, EventKind.ACCEPTED, EventKind.FAILED,
    )  # fmt: skip
    source = draw.choice([Source.STATEMENT, Source.FIND]).value
    return Event(
        payment_id=name, event_id=f"e{step}", kind=draw.choice(kinds), occurred_at=at,
        source=source, amount_minor=100,
    )  # fmt: skip


def _net(store: Store, name: str) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    with store.reading() as connection:
        for row in connection.execute(sa.select(journal).where(journal.c.subject == name)):
            found[row.debit] += row.amount_minor
            found[row.credit] -= row.amount_minor
    return {account: minor for account, minor in found.items() if minor}


def _implied(store: Store, name: str) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    with store.reading() as connection:
        query = sa.select(payments).where(payments.c.payment_id == name)
        row = connection.execute(query).mappings().one()
        events = list(standing(events_of(connection, [name])[name]))
        assert state_of(events).state.value == row["state"]
    subject = Subject(**{each: row[each] for each in Subject.__dataclass_fields__})
    for each in rows(subject, [e for e in events if e.kind is not EventKind.RETRACTED]):
        found[each.debit] += each.amount_minor
        found[each.credit] -= each.amount_minor
    return {account: minor for account, minor in found.items() if minor}
