"""How beneficiaries become the rail's bank accounts, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Beneficiary, Payment
from settle_adyen_transfers import AdyenTransfers, payee, rules


def party(
    country: str, account: str, bank_code: str | None = None, bic: str | None = None
) -> Beneficiary:
    return Beneficiary(
        name="A Name", country=country, town="Town", account=account, bank_code=bank_code, bic=bic
    )


CASES = [
    (
        party("AU", "1234 5678", "062-000"), "AUD", "regular",
        {"type": "auLocal", "accountNumber": "12345678", "bsbCode": "062000"},
    ),
    (
        party("CA", "1234567", "000412345"), "CAD", "regular",
        {
            "type": "caLocal", "accountNumber": "1234567",
            "institutionNumber": "004", "transitNumber": "12345",
        },
    ),
    (
        party("HK", "123456789", "004"), "HKD", "regular",
        {"type": "hkLocal", "accountNumber": "123456789", "clearingCode": "004"},
    ),
    (
        party("HK", "123456789", None, "HSBCHKHH"), "HKD", "crossBorder",
        {"type": "numberAndBic", "accountNumber": "123456789", "bic": "HSBCHKHH"},
    ),
    (
        party("JP", "1234567", "0001", "BOTKJPJT"), "JPY", "crossBorder",
        {"type": "numberAndBic", "accountNumber": "1234567", "bic": "BOTKJPJT"},
    ),
    (
        party("NO", "NO93 8601 1117 947"), "NOK", "regular",
        {"type": "iban", "iban": "NO9386011117947"},
    ),
    (
        party("NO", "86011117947"), "NOK", "regular",
        {"type": "noLocal", "accountNumber": "86011117947"},
    ),
    (
        party("NZ", "01-0902-0068389-00"), "NZD", "regular",
        {"type": "nzLocal", "accountNumber": "010902006838900"},
    ),
    (
        party("SG", "1234567890", None, "DBSSSGSG"), "SGD", "regular",
        {"type": "sgLocal", "accountNumber": "1234567890", "bic": "DBSSSGSG"},
    ),
    (
        party("US", "123456789", None, "BOFAUS3N"), "AUD", "crossBorder",
        {"type": "numberAndBic", "accountNumber": "123456789", "bic": "BOFAUS3N"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("beneficiary", "currency", "priority", "expected"), CASES)
def test_each_country_has_its_form(
    beneficiary: Beneficiary, currency: str, priority: str, expected: dict[str, str]
) -> None:
    """An account goes out in its country's form, at home as regular and abroad as crossBorder."""
    assert expected == payee.identification(beneficiary, currency=currency)
    assert priority == payee.priority(beneficiary, currency=currency)
    assert list(payee.refusals(beneficiary, currency=currency)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bank_code": None}, "beneficiary.bank_code: missing or does not fit auLocal"),
        ({"account": "12"}, "beneficiary.account: does not fit auLocal"),
        ({"country": "XX1"}, "beneficiary.country: not an ISO 3166-1 alpha-2 code"),
        ({"name": "東京"}, "beneficiary.name: has letters that the rail does not carry"),
        ({"country": "JP"}, "beneficiary.bic: missing or not a BIC, which numberAndBic needs"),
    ],
)
def test_a_beneficiary_the_rail_would_refuse_is_named_by_field(
    adapter: AdyenTransfers, payment: Payment, changes: dict[str, Any], expected: str
) -> None:
    """Each local refusal names its field and why."""
    beneficiary = replace(payment.beneficiary, **changes)
    assert expected in adapter.check(replace(payment, beneficiary=beneficiary))


@pytest.mark.parametrize("amount_minor", [0, -1, 10_000_001])
def test_an_amount_outside_the_limits_is_refused(
    adapter: AdyenTransfers, payment: Payment, amount_minor: int
) -> None:
    """Nothing, less than nothing and more than the account's limit stay here."""
    found = adapter.check(replace(payment, amount_minor=amount_minor))
    assert list(found) == ["amount_minor: not between 1 and 10000000"]


def test_a_good_payment_has_nothing_against_it(adapter: AdyenTransfers, payment: Payment) -> None:
    """The check is silent where the rail would be."""
    assert list(adapter.check(payment)) == []


@given(text=st.text(max_size=300), reference=st.text(max_size=80))
def test_free_texts_always_fit_the_rail(text: str, reference: str) -> None:
    """Whatever a payment says, what is sent keeps to the rail's characters and lengths."""
    to_iban, elsewhere = party("NO", "NO9386011117947"), party("NZ", "010902006838900")
    long = payee.beneficiary_reference(reference, beneficiary=to_iban, currency="NOK")
    short = payee.beneficiary_reference(reference, beneficiary=elsewhere, currency="NZD")
    assert rules.DESCRIPTION.fullmatch(payee.description(text))
    assert rules.ALPHANUMERIC.fullmatch(long)
    assert len(long) <= 35
    assert len(short) <= 15


def test_marks_are_folded_and_not_lost() -> None:
    """Letters with marks travel as the letters they are made of."""
    assert payee.fold("Østre Ås Café") == "Ostre As Cafe"
    assert payee.fold("København") == "Kobenhavn"
    assert payee.fold("Œuvre Žižka Łódka") == "Oeuvre Zizka Lodka"


def test_signs_the_rail_does_not_carry_become_spaces() -> None:
    """A name keeps its words when it loses a sign, and its foreign letters are not guessed."""
    assert payee.full_name("Bill & Ben's <Surf>  Co.") == "Bill & Ben's Surf Co."
    assert payee.full_name("東京 Ltd") == "東京 Ltd"
