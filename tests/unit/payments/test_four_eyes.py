"""An approval is of one instruction, by somebody, and above a second limit by two."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import assume, given
from hypothesis import strategies as st

from settle.adapters import Beneficiary, Payment, PaymentKind
from settle.errors import BadInput
from settle.payments import Policy, Signed, approve, approve_one, holds, story
from settle.payments.gate.persons import person_of
from settle.payments.gate.signing import sign
from settle.payments.instruction import fingerprint_of, is_as_approved
from settle.payments.tables import payments
from settle.store import Store

TWO = Policy(limit_minor={"EUR": 50}, second_limit_minor={"EUR": 99})
ROW: dict[str, Any] = {
    "payment_id": "P", "kind": "payout", "amount_minor": 100, "currency": "EUR",
    "beneficiary_name": "Mo", "beneficiary_country": "DE", "beneficiary_town": "Berlin",
    "beneficiary_account": "DE89370400440532013000", "beneficiary_bic": "COBADEFFXXX",
    "beneficiary_bank_code": "1", "value_date": date(2024, 12, 19), "idempotency_key": "k",
    "end_to_end_id": "e", "uetr": "u", "remittance_information": "r", "purpose": "SUPP",
    "account": "acc", "rail": "single", "not_before": date(2024, 12, 19),
}  # fmt: skip
NAMES = {"payment_id", "end_to_end_id", "uetr"}
"""How a payment is called, derived from what is signed; not what it does."""

CHANGES: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    date: st.dates(max_value=date(2024, 12, 18)),
}


@given(st.sampled_from(sorted(ROW.keys() - NAMES)), st.data())
def test_any_change_of_any_field_voids_the_approval(field: str, data: st.DataObject) -> None:
    """Payee, amount, currency, rail, our account, purpose, dates: whatever it is changed to."""
    approved = ROW | {"approved_fingerprint": fingerprint_of(ROW)}
    assert is_as_approved(approved)
    kinds = st.sampled_from([kind.value for kind in PaymentKind])
    other = data.draw(kinds if field == "kind" else CHANGES[type(ROW[field])])
    assume(other != ROW[field])
    assert not is_as_approved(approved | {field: other})


def test_what_a_rail_is_told_is_what_is_signed() -> None:
    """A field that joins the instruction joins the property above, or this fails."""
    told = {field.name for field in fields(Payment)} - {"beneficiary"}
    told |= {f"beneficiary_{field.name}" for field in fields(Beneficiary)}
    assert told | {"rail", "not_before"} == ROW.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"beneficiary_account": "DE02120300000000202051"}, {"beneficiary_bic": "DEUTDEFF"},
        {"amount_minor": 101}, {"currency": "NOK"}, {"account": "other"}, {"purpose": "SALA"},
        {"not_before": date(2024, 12, 18)}, {"beneficiary_name": "Moe"}, {"kind": "remittance"},
    ],
)  # fmt: skip
def test_what_was_changed_since_it_was_planned_is_approved_by_nobody(
    desk: Any, store: Store, change: dict[str, Any]
) -> None:
    """A row that was touched before anybody signed is withheld, and says so."""
    desk.plan(desk.due)
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(change))
    with pytest.raises(BadInput, match="changed since it was planned"):
        approve_one(store, "P-00001", actor="ann", now=desk.now)
    assert 0 == desk.approve().approved
    assert {"O-1": ("local check", "instruction: changed since it was planned")} == desk.held()


def test_above_the_second_limit_two_different_persons_approve(desk: Any, store: Store) -> None:
    """One of them twice, however the name is written, is one; the story names both."""
    desk.plan(desk.due)
    assert ["P-00001"] == approve(store, TWO, now=desk.now).waiting
    one = approve_one(store, "P-00001", actor="ann", now=desk.now, policy=TWO)
    assert Signed(payment_id="P-00001", persons_missing=1) == one
    for again in ("ann", " Ann ", "ANN", "\uff41nn", "a\u200bnn"):
        with pytest.raises(BadInput, match="already; another has to"):
            approve_one(store, "P-00001", actor=again, now=desk.now, policy=TWO)
    assert desk.fund().funded == 0
    two = approve_one(store, "P-00001", actor="bob", now=desk.now, policy=TWO)
    assert Signed(payment_id="P-00001") == two
    assert 1 == desk.fund().funded
    assert ["O-1"] == desk.accept(desk.claim())
    with store.reading() as connection:
        told = [line.detail for line in story(connection, "P-00001").lines]
    assert any("by ann, bob" in line for line in told)


def test_below_the_second_limit_one_person_is_enough(desk: Any, store: Store) -> None:
    """And policy below the first."""
    desk.plan(*desk.dues(2, amount_minor=99), *desk.dues(3, amount_minor=50)[2:])
    assert 1 == approve(store, TWO, now=desk.now).approved
    assert not approve_one(store, "P-00001", actor="a", now=desk.now, policy=TWO).persons_missing
    assert 2 == desk.fund().funded
    assert ["O-1", "O-3"] == desk.accept(desk.claim())


def test_a_first_signature_is_of_that_instruction_only(desk: Any, store: Store) -> None:
    """Changed and changed back it stands; changed, it is nothing."""
    desk.plan(desk.due)
    approve_one(store, "P-00001", actor="ann", now=desk.now, policy=TWO)
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(amount_minor=90))
    with pytest.raises(BadInput, match="changed"):
        approve_one(store, "P-00001", actor="bob", now=desk.now, policy=TWO)


@pytest.mark.parametrize("actor", ["", " ", "\t\n", "\u200b", "policy", " Policy", "POLICY"])
def test_nobody_and_policy_are_no_persons(desk: Any, store: Store, actor: str) -> None:
    """A name that says nothing is refused, and so is the one that policy approves under."""
    desk.plan(desk.due)
    with pytest.raises(BadInput, match="actor"):
        approve_one(store, "P-00001", actor=actor, now=desk.now)


def test_who_cleared_a_hold_is_not_the_only_approver(desk: Any, store: Store) -> None:
    """Whoever let it pass one control signs, too; somebody else has to approve besides."""
    desk.plan(desk.due)
    with store.transaction() as connection:
        row = dict(connection.execute(sa.select(payments)).mappings().one())
        digest = fingerprint_of(row)
        sign(connection, row, role="screening", fingerprint=digest, actor="ann", now=desk.now)
    assert 1 == approve_one(store, "P-00001", actor="ann", now=desk.now).persons_missing
    assert 0 == desk.fund().funded
    assert 0 == approve_one(store, "P-00001", actor="bob", now=desk.now).persons_missing
    with store.reading() as connection:
        assert [] == holds(connection)


@given(st.text(max_size=12))
def test_a_person_is_the_same_however_the_name_is_written(name: str) -> None:
    """Naming a person by the result, or in capitals with spaces around, names the same one."""
    try:
        person = person_of(name)
    except BadInput:
        return
    assert person == person_of(person)
    assert person == person_of(f"  {name}\t")
