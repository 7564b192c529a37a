"""How beneficiaries become the rail's recipients, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from settle.adapters import Beneficiary, Payment, PaymentKind
from settle_wise import Wise, WiseSettings, payee, rules


def party(country: str, account: str, bank_code: str = "", bic: str | None = None) -> Beneficiary:
    return Beneficiary(
        name="A Name", country=country, town="Town", account=account, bank_code=bank_code, bic=bic
    )


SWIFT = {"accountNumber": "1234567", "country": "JP", "swiftCode": "BOTKJPJT"}
CASES = [
    (party("GB", "3777 8842", "04-00-75"), "GBP", "sort_code",
     {"sortCode": "040075", "accountNumber": "37778842"}),
    (party("CA", "1234567", "000412345"), "CAD", "canadian",
     {"institutionNumber": "004", "transitNumber": "12345", "accountNumber": "1234567",
      "accountType": "CHECKING"}),
    (party("US", "40000000000", "064000020"), "USD", "aba",
     {"abartn": "064000020", "accountNumber": "40000000000", "accountType": "CHECKING"}),
    (party("SG", "4000000000", "7171"), "SGD", "singapore",
     {"bankCode": "7171", "accountNumber": "4000000000"}),
    (party("NZ", "010902006838900"), "NZD", "newzealand", {"accountNumber": "010902006838900"}),
    (party("NO", "NO93 8601 1117 947"), "NOK", "iban", {"IBAN": "NO9386011117947"}),
    (party("JP", "1234567", bic="BOTKJPJT"), "JPY", "swift_code", SWIFT),
]  # fmt: skip


@pytest.mark.parametrize(("beneficiary", "currency", "kind", "account"), CASES)
def test_each_country_has_its_form(
    beneficiary: Beneficiary, currency: str, kind: str, account: dict[str, str]
) -> None:
    """The best form comes first, with the rail's own names of its fields."""
    found = payee.candidates(beneficiary, currency=currency)
    refusals = payee.refusals(beneficiary, currency=currency, kind=PaymentKind.PAYOUT)
    assert next(iter(found.items())) == (kind, account)
    assert list(refusals) == []
    assert set(rules.TYPES[kind]) <= account.keys()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": "12"}, "beneficiary.account: neither an IBAN, nor in its country's form, nor"),
        ({"bank_code": None}, "beneficiary.account: neither"),
        ({"country": "XX1"}, "beneficiary.country: not an ISO 3166-1 alpha-2 code"),
        ({"name": "東京"}, "beneficiary.name: has letters that the rail does not carry"),
        ({"name": "A"}, "beneficiary.name: has letters that the rail does not carry, or too few"),
    ],
)
def test_a_beneficiary_the_rail_would_refuse_is_named_by_field(
    adapter: Wise, payment: Payment, changes: dict[str, Any], expected: str
) -> None:
    """Each local refusal names its field and why."""
    beneficiary = replace(payment.beneficiary, **changes)
    found = adapter.check(replace(payment, beneficiary=beneficiary))
    assert [x for x in found if x.startswith(expected)]


@pytest.mark.parametrize("name", ["Cher", "J Smith", "Agent 007 Smith"])
def test_a_person_needs_two_names(adapter: Wise, payment: Payment, name: str) -> None:
    """The rail takes a business by one name, and a traveller or a mother by two."""
    named = replace(payment, beneficiary=replace(payment.beneficiary, name=name))
    assert list(adapter.check(named)) == []
    (why,) = adapter.check(replace(named, kind=PaymentKind.REMITTANCE))
    assert why.startswith("beneficiary.name: a person")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount_minor": 0}, "amount_minor: not between 1 and 10000000"),
        ({"amount_minor": 10_000_001}, "amount_minor: not between 1 and 10000000"),
        ({"uetr": "k-0001"}, "uetr: not a UUID"),
    ],
)
def test_an_amount_or_a_reference_that_cannot_go_is_refused(
    adapter: Wise, payment: Payment, changes: dict[str, Any], expected: str
) -> None:
    """Nothing, more than the limit, and what the rail cannot take for a UUID stay here."""
    assert list(adapter.check(replace(payment, **changes))) == [expected]


def test_a_good_payment_has_nothing_against_it(adapter: Wise, payment: Payment) -> None:
    """The check is silent where the rail would be."""
    assert list(adapter.check(payment)) == []


@given(text=st.text(max_size=300), length_max=st.integers(1, 140))
def test_references_always_fit_the_route(text: str, length_max: int) -> None:
    """Whatever a payment says, what is sent keeps to letters, digits and the route's length."""
    found = payee.reference(text, length_max=length_max)
    assert len(found) <= length_max
    assert found.isascii()
    assert payee.NOT_IN_REFERENCE.search(found) is None


@given(name=st.text(max_size=80))
def test_a_name_that_is_not_refused_is_one_the_rail_takes(name: str) -> None:
    """What the check lets pass, the simulated rail's own rule does, too."""
    beneficiary = replace(party("NZ", "010902006838900"), name=name)
    against = list(payee.refusals(beneficiary, currency="NZD", kind=PaymentKind.PAYOUT))
    if not against:
        assert rules.NAME.fullmatch(payee.holder(name))


def test_signs_are_spared_and_letters_are_kept() -> None:
    """A name keeps its words and its marks, and what is foreign is not guessed."""
    assert payee.holder("Bill & Ben's <Café>  Łódź") == "Bill Ben's Café Lódz"
    assert payee.holder("東京 Ltd") == "東京 Ltd"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"api_token": "a-token-itself"}, "api_token"),
        ({"webhook_key": "a-token-itself"}, "webhook_key"),
        ({"accounts": {"GBP": "../1"}}, "accounts"),
        ({"profile": 0}, "profile"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    settings: WiseSettings, changes: dict[str, Any], place: str
) -> None:
    """Secrets come by reference, ids are numbers, and nothing unknown is taken."""
    with pytest.raises(ValidationError) as raised:
        WiseSettings.model_validate(settings.model_dump() | changes)
    assert raised.value.errors()[0]["loc"][0] == place
    assert "a-token-itself" not in str(raised.value.errors()[0]["msg"])
