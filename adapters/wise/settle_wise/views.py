"""How the simulated rail says things: quotes, recipients, transfers, statements, errors, events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from settle.money import plain
from settle_wise.records import QUOTE_LIVES, Booking, Quote, Transfer
from settle_wise.rules import Fault

USER = 4_300_000
NUMBER = re.compile(r'"\\u0001([^"]*)\\u0001"')


def written(view: object) -> bytes:
    """JSON with amounts as exact numbers, which no float has touched."""
    text = json.dumps(view, separators=(",", ":"), default=_number)
    return NUMBER.sub(r"\1", text).encode()


def money(amount_minor: int, currency: str) -> Decimal:
    """Minor units in major ones, as the rail writes numbers: without needless zeros."""
    value = Decimal(plain(amount_minor, currency))
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def quote(made: Quote, *, profile: int, now: datetime) -> dict[str, Any]:
    """A quote. Its top level states the amount that was given."""
    price = made.price
    source = money(price.source_minor, price.source)
    target = money(price.target_minor, price.target)
    fee = money(price.fee_minor, price.source)
    option = {
        "disabled": False,
        "estimatedDelivery": stamp(made.at + timedelta(days=1)),
        "fee": {"transferwise": fee, "payIn": 0, "discount": 0, "partner": 0, "total": fee},
        "sourceAmount": source,
        "targetAmount": target,
        "sourceCurrency": price.source,
        "targetCurrency": price.target,
        "payIn": "BALANCE",
        "payOut": "BANK_TRANSFER",
        "allowedProfileTypes": ["PERSONAL", "BUSINESS"],
    }
    given = {"sourceAmount": source} if price.given == "SOURCE" else {"targetAmount": target}
    return given | {
        "id": made.id,
        "sourceCurrency": price.source,
        "targetCurrency": price.target,
        "payOut": "BANK_TRANSFER",
        "preferredPayIn": "BALANCE",
        "rate": price.rate,
        "createdTime": stamp(made.at),
        "user": USER,
        "profile": profile,
        "rateType": "FIXED",
        "rateExpirationTime": stamp(made.at + QUOTE_LIVES),
        "providedAmountType": price.given,
        "targetAccount": made.recipient,
        "paymentOptions": [option],
        "status": _quote_status(made, now),
        "expirationTime": stamp(made.at + QUOTE_LIVES),
        "notices": [],
    }


def recipient(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A recipient, in the form of version 1."""
    return {
        "id": kept["id"],
        "business": None,
        "profile": kept.get("profile"),
        "accountHolderName": kept["accountHolderName"],
        "currency": kept["currency"],
        "country": kept.get("country"),
        "type": str(kept["type"]).lower(),
        "details": {"email": None, "bankName": None, **kept["details"]},
        "user": USER,
        "active": True,
        "ownedByCustomer": False,
    }


def transfer(made: Transfer, *, now: datetime) -> dict[str, Any]:
    """A standard transfer. Its source amount is what is converted, without the fee."""
    price, details = made.price, made.request["details"]
    return {
        "id": made.id,
        "user": USER,
        "targetAccount": made.request["targetAccount"],
        "sourceAccount": None,
        "quote": None,
        "quoteUuid": made.request["quoteUuid"],
        "status": made.status(now),
        "reference": details.get("reference", ""),
        "rate": price.rate,
        "created": made.at.strftime("%Y-%m-%d %H:%M:%S"),
        "business": None,
        "transferRequest": None,
        "details": details,
        "hasActiveIssues": False,
        "sourceCurrency": price.source,
        "sourceValue": money(price.net_minor, price.source),
        "targetCurrency": price.target,
        "targetValue": money(price.target_minor, price.target),
        "customerTransactionId": made.request["customerTransactionId"],
    }


def payments(made: Transfer) -> list[dict[str, Any]]:
    """What funds a transfer."""
    if made.funded_at is None:
        return []
    price = made.price
    return [
        {
            "id": made.id,
            "method": "BALANCE",
            "pricingVariant": None,
            "amount": money(price.source_minor, price.source),
            "currency": price.source,
            "timeCreated": stamp(made.funded_at),
            "timeUpdated": stamp(made.funded_at),
        }
    ]


def balance(name: str, currency: str, held_minor: int) -> dict[str, Any]:
    """One balance."""
    held = {"value": money(held_minor, currency), "currency": currency}
    return {
        "id": int(name),
        "currency": currency,
        "type": "STANDARD",
        "name": None,
        "investmentState": "NOT_INVESTED",
        "amount": held,
        "reservedAmount": {"value": 0, "currency": currency},
        "cashAmount": held,
        "totalWorth": held,
        "visible": True,
    }


def statement(
    bookings: Sequence[Booking], *, name: str, currency: str, since: datetime, until: datetime
) -> dict[str, Any]:
    """A balance's statement: the newest line first, each with the balance after it."""
    held, opening, lines = 0, 0, []
    for booking in sorted(bookings, key=lambda x: x.at):
        if booking.at > until:
            break
        held += booking.amount_minor
        if booking.at < since:
            opening = held
        else:
            lines.append(_line(booking, held_minor=held))
    return {
        "accountHolder": {"type": "BUSINESS", "address": None, "businessName": "Simulated"},
        "issuer": {"name": "Simulated issuer", "country": "Nowhere"},
        "bankDetails": None,
        "transactions": lines[::-1],
        "startOfStatementBalance": {"value": money(opening, currency), "currency": currency},
        "endOfStatementBalance": {"value": money(held, currency), "currency": currency},
        "query": {
            "intervalStart": stamp(since),
            "intervalEnd": stamp(until),
            "currency": currency,
            "accountId": int(name),
        },
    }


def event(made: Transfer, *, profile: int, before: str | None, at: datetime, state: str) -> Any:
    """One change of a transfer's state."""
    return {
        "data": {
            "resource": {
                "type": "transfer",
                "id": made.id,
                "profile_id": profile,
                "account_id": made.request["targetAccount"],
            },
            "current_state": state,
            "previous_state": before,
            "occurred_at": stamp(at),
        },
        "subscription_id": "01234567-89ab-cdef-0123-456789abcdef",
        "event_type": "transfers#state-change",
        "schema_version": "2.0.0",
        "sent_at": stamp(at),
    }


def refused(faults: Sequence[Fault]) -> dict[str, Any]:
    """A refusal, without the values."""
    return {
        "errors": [
            {"code": code, "message": "does not fit", "path": path, "arguments": [path]}
            for path, code in faults
        ]
    }


def stamp(at: datetime) -> str:
    """A moment in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(booking: Booking, *, held_minor: int) -> dict[str, Any]:
    currency, made, line = booking.currency, booking.transfer, booking.line
    about: dict[str, Any]
    if made is not None:
        out = booking.amount_minor < 0
        said = "Sent money to" if out else "Refunded money sent to"
        about = {"type": "TRANSFER", "description": f"{said} {made.name}"}
        about["paymentReference"] = made.request["details"].get("reference")
        reference = f"TRANSFER-{made.id}"
    else:
        assert line is not None
        about = {"type": "DEPOSIT", "description": f"Received money from {line.counterparty}"}
        about |= {"senderName": line.counterparty, "paymentReference": line.reference}
        reference = f"TRANSFER-{90_000_000 + booking.number}"
    return {
        "type": "DEBIT" if booking.amount_minor < 0 else "CREDIT",
        "date": stamp(booking.at),
        "amount": {"value": money(booking.amount_minor, currency), "currency": currency},
        "totalFees": {"value": money(booking.fee_minor, currency), "currency": currency},
        "details": about,
        "exchangeDetails": None,
        "runningBalance": {"value": money(held_minor, currency), "currency": currency},
        "referenceNumber": reference,
    }


def _quote_status(made: Quote, now: datetime) -> str:
    if made.used:
        return "ACCEPTED"
    return "EXPIRED" if now > made.at + QUOTE_LIVES else "PENDING"


def _number(value: object) -> str:
    if isinstance(value, Decimal):
        return f"\u0001{value:f}\u0001"
    raise TypeError(type(value).__name__)
