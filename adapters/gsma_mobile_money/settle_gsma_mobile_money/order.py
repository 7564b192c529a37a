"""What is asked of the rail for one payment, and what it would refuse of it. All of it is pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from settle.adapters import Payment, PaymentKind
from settle.money import MINOR_MAX, exponent
from settle_gsma_mobile_money import parties
from settle_gsma_mobile_money.settings import GsmaMobileMoneySettings
from settle_gsma_mobile_money.wire import AMOUNT_WIRE, KEY_FORM, amount_text

DESCRIPTION_MAX = 160
TEXT_MAX = 256


def kind(payment: Payment) -> str:
    """`type` of the transaction."""
    return "inttransfer" if payment.kind is PaymentKind.REMITTANCE else "disbursement"


def instruction(payment: Payment, settings: GsmaMobileMoneySettings) -> dict[str, Any]:
    """`requestTransaction`."""
    to = payment.beneficiary
    address = {"city": to.town, "country": to.country}
    asked = {
        "amount": amount_text(payment.amount_minor, payment.currency),
        "creditParty": parties.party(parties.payee(to.account) or ()),
        "currency": payment.currency,
        "debitParty": parties.party(parties.identifiers(settings.payer(payment)) or ()),
        "descriptionText": payment.remittance_information[:DESCRIPTION_MAX],
        "recipientKyc": {"postalAddress": address, "subjectName": {"fullName": to.name}},
        "requestingOrganisationTransactionReference": payment.end_to_end_id,
        "type": kind(payment),
    }
    if payment.kind is PaymentKind.REMITTANCE:
        asked["internationalTransferInformation"] = {
            "originCountry": settings.origin_country,
            "receivingCountry": to.country,
            "remittancePurpose": payment.purpose,
        }
    return asked


def refusals(payment: Payment, settings: GsmaMobileMoneySettings) -> Iterator[str]:
    """Why the rail would refuse a payment, by field."""
    yield from _amount(payment, settings)
    if payment.kind is PaymentKind.REMITTANCE and settings.origin_country is None:
        yield "kind: a remittance needs origin_country in the settings"
    if payment.account and parties.identifiers(payment.account) is None:
        yield "account: not identifier@value, up to three of them"
    if not re.fullmatch(KEY_FORM, payment.idempotency_key):
        yield "idempotency_key: not 32 hexadecimal digits or a UUID"
    if not 1 <= len(payment.end_to_end_id) <= TEXT_MAX:
        yield f"end_to_end_id: not 1 to {TEXT_MAX} characters"
    to = payment.beneficiary
    if parties.payee(to.account) is None:
        yield "beneficiary.account: neither a telephone number nor identifier@value"
    if not 1 <= len(to.name.strip()) <= len(to.name) <= TEXT_MAX:
        yield f"beneficiary.name: not 1 to {TEXT_MAX} characters"
    if len(to.town) > TEXT_MAX:
        yield f"beneficiary.town: longer than {TEXT_MAX} characters"
    if not re.fullmatch("[A-Z]{2}", to.country):
        yield "beneficiary.country: not an ISO 3166-1 alpha-2 code"


def _amount(payment: Payment, settings: GsmaMobileMoneySettings) -> Iterator[str]:
    if payment.currency not in settings.accounts:
        yield f"currency: no wallet for {payment.currency}"
        return
    limit = settings.amount_minor_max.get(payment.currency, MINOR_MAX)
    if not 0 < payment.amount_minor <= limit:
        yield f"amount_minor: not between 1 and {limit}"
        return
    text = amount_text(payment.amount_minor, payment.currency)
    if exponent(payment.currency) > 4 or not AMOUNT_WIRE.fullmatch(text):
        yield "amount_minor: the rail writes 18 digits and 4 decimals at most"
