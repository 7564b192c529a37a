"""What cannot be a payment is refused by name and field before anything of it is stored as sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.payments.conftest import DUE, PlainRail

from settle.adapters import Limits, Profile, RailSettings
from settle.errors import MoneyError
from settle.money import to_minor
from settle.payments.admission import admit
from settle.payments.tables import exchanges, payments
from settle.store import Store

COUNTED = (payments, exchanges)


def refused(due: Any) -> list[tuple[str, str]]:
    """What admission says of one obligation: its name and the field."""
    done = admit([due])
    assert len(done.refused) + len(done.dues) == 1
    return [(refusal.obligation_id, refusal.field) for refusal in done.refused]


@pytest.mark.parametrize(
    "amount",
    [
        0,
        -1,
        1.0,
        float("nan"),
        True,
        False,
        2**63,
        -(2**63),
        "100",
        None,
        Decimal(100),
        Decimal("0.5"),
    ],
)
def test_only_a_positive_whole_number_of_64_bits_is_an_amount(amount: Any) -> None:
    """A float, a truth, a text, nothing, zero and what is too large are none."""
    assert [("O-1", "amount_minor")] == refused(replace(DUE, amount_minor=amount))
    assert [] == refused(replace(DUE, amount_minor=2**63 - 1))


@pytest.mark.parametrize(("amount", "currency"), [("1.999", "USD"), ("0.5", "JPY"), ("1.5", "KRW")])
def test_more_decimals_than_the_currency_has_never_become_minor_units(
    amount: str, currency: str
) -> None:
    """The gate in refuses them by currency, and rounds nothing."""
    with pytest.raises(MoneyError, match=f"{currency} has more than"):
        to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("obligation_id", ""),
        ("obligation_id", " \t"),
        ("obligation_id", None),
        ("obligation_id", "O" * 256),
        ("obligation_id", "O\x00"),
        ("agreement_id", " "),
        ("currency", "eur"),
        ("currency", "XXX"),
        ("currency", None),
        ("currency", ["EUR"]),
        ("kind", "salary"),
        ("kind", None),
        ("value_date", "2024-12-19"),
        ("value_date", datetime(2024, 12, 19)),  # noqa: DTZ001  # a date is asked for
        ("reference", "one\ntwo"),
        ("reference", 7),
        ("rail", "\x1b[2J"),
        ("beneficiary", None),
    ],
)
def test_a_field_that_is_none_is_refused_by_its_name(field: str, value: Any) -> None:
    """Nothing is guessed, cut or coerced."""
    assert [field] == [name for _, name in refused(replace(DUE, **{field: value}))]


@pytest.mark.parametrize("field", ["name", "country", "town", "account", "bic", "bank_code"])
@pytest.mark.parametrize("value", ["M\x00o", "M\x1b[31mo", "M\u202eo", "M\ud800o", "M\u2028o", 5])
def test_text_that_no_rail_and_no_database_carries_is_refused(field: str, value: Any) -> None:
    """Control characters, turns of direction, halves of characters and what is no text."""
    payee = replace(DUE.beneficiary, **{field: value})
    assert [("O-1", f"beneficiary.{field}")] == refused(replace(DUE, beneficiary=payee))


@given(st.text(min_size=1, max_size=60))
@settings(max_examples=300)
def test_whatever_name_is_admitted_is_one_line_that_prints_as_it_is(name: str) -> None:
    """No admitted name moves a terminal's cursor, turns its direction or ends its line."""
    payee = replace(DUE.beneficiary, name=name)
    for due in admit([replace(DUE, beneficiary=payee)]).dues.values():
        assert [due.beneficiary.name] == due.beneficiary.name.splitlines()
        assert not {"\x1b", "\x07", "\u202e"} & set(due.beneficiary.name)


def test_the_same_instruction_twice_is_one_and_two_under_one_id_are_none(desk: Any) -> None:
    """Nobody knows which of two is meant, in whatever order they come; the rest goes on."""
    other = replace(desk.due, amount_minor=101)
    rest = replace(desk.due, obligation_id="O-2")
    for pair in ((desk.due, other), (other, desk.due)):
        (refusal,) = desk.plan(*pair, rest, rest).refused
        why = "differs under one id in one call"
        assert ("O-1", "amount_minor", why) == (refusal.obligation_id, refusal.field, refusal.why)
    assert (1, 1) == ((done := desk.plan(desk.due, rest)).planned, done.already)


def test_two_under_one_id_that_differ_in_the_beneficiary_say_in_what(desk: Any) -> None:
    """The field is told down to the part of it."""
    town = replace(desk.due.beneficiary, town="Ulm")
    (refusal,) = desk.plan(desk.due, replace(desk.due, beneficiary=town)).refused
    assert "beneficiary.town" == refusal.field


def test_what_is_refused_leaves_nothing_in_the_store(desk: Any, store: Store) -> None:
    """Neither a payment nor an exchange; what came beside it is planned."""
    bad = replace(desk.due, beneficiary=replace(desk.due.beneficiary, name="M\x00"))
    desk.plan(bad, replace(desk.due, obligation_id="O-2"), replace(desk.due, obligation_id=""))
    with store.reading() as connection:
        counts = [connection.scalar(sa.select(sa.func.count()).select_from(t)) for t in COUNTED]
    assert [1, 0] == counts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "M" * 141}, "beneficiary.name: longer than 140 characters"),
        ({"town": "T" * 36}, "beneficiary.town: longer than 35 characters"),
        ({"account": "1" * 35, "country": "US"}, "beneficiary.account: longer than 34 characters"),
        ({"bank_code": "1" * 36}, "beneficiary.bank_code: longer than 35 characters"),
        ({"account": "DE00370400440532013000"}, "beneficiary.account: the IBAN does not verify"),
    ],
)
def test_a_payee_that_a_rail_would_cut_or_refuse_is_held_by_field(
    desk: Any, change: dict[str, str], reason: str
) -> None:
    """It is kept and shown, never approved and never sent."""
    due = replace(desk.due, beneficiary=replace(desk.due.beneficiary, **change))
    (held,) = desk.plan(due).held
    assert reason in held.reason
    assert 0 == desk.approve().approved
    assert [] == desk.claim()


def test_a_remittance_that_is_too_long_is_held_by_field(desk: Any) -> None:
    """It is not cut: what stands at its end may be the invoice."""
    (held,) = desk.plan(replace(desk.due, reference="R" * 141)).held
    assert "reference: longer than 140 characters" == held.reason


@pytest.mark.parametrize("day", [date(2026, 11, 14), date(2027, 1, 4)])
def test_a_town_is_missed_at_each_value_date_that_asks_for_one(desk: Any, day: date) -> None:
    """From 2026-11-14 CBPR+ takes none without."""
    townless = replace(desk.due.beneficiary, town="")
    (held,) = desk.plan(replace(desk.due, value_date=day, beneficiary=townless)).held
    assert "beneficiary.town: missing, which CBPR+ asks for from 2026-11-14" == held.reason


def test_a_currency_and_an_amount_that_the_rail_does_not_take_are_held_by_rail(desk: Any) -> None:
    """Each rail says which of its limits it is."""
    (currency,) = desk.plan(replace(desk.due, currency="JPY", rail="single")).held
    assert "rail: single: no JPY" == currency.reason
    large = replace(desk.due, obligation_id="O-2", amount_minor=10_001, rail="single")
    (amount,) = desk.plan(large).held
    assert "rail: single: more than its limit in EUR" == amount.reason


def test_a_kind_that_the_rail_does_not_carry_is_held_by_rail(desk: Any) -> None:
    """The rail says which kind it is."""
    from settle.adapters import PaymentKind

    class Payouts(PlainRail):
        @property
        def profile(self) -> Profile:
            return replace(super().profile, kinds=frozenset({PaymentKind.PAYOUT}), limits=Limits())

    desk.rails = {"single": Payouts(RailSettings(base_url="//single", accounts={"EUR": "acc"}))}
    (held,) = desk.plan(replace(desk.due, kind=PaymentKind.REMITTANCE)).held
    assert "rail: single: no remittance" == held.reason
