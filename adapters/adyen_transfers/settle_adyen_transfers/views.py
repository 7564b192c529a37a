"""How the simulated rail says things: `Transfer`, `TransferData`, `Transaction`, errors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from settle_adyen_transfers.books import Account, Booking, Move, Place

PLATFORM = "SIMULATOR"
HOLDER = {"id": "AH00000000000000000000001", "description": "Simulated account holder"}
REASONS = {
    "AC01": "counterpartyAccountNotFound",
    "AC03": "counterpartyAccountNotFound",
    "AC04": "counterpartyAccountClosed",
    "AC06": "counterpartyAccountBlocked",
}


def submitted(move: Move) -> dict[str, Any]:
    """`Transfer`: the answer to POST /transfers. What was executed still says authorised."""
    refused = move.status == "refused"
    return _common(move) | {
        "reason": "notEnoughBalance" if refused else "approved",
        "status": "refused" if refused else "authorised",
    }


def transfer(move: Move) -> dict[str, Any]:
    """`TransferData`: a transfer with its events."""
    events = list(_events(move))
    view = _common(move) | {
        "balancePlatform": PLATFORM,
        "events": events,
        "reason": _reason(move),
        "sequenceNumber": len(events),
        "status": move.status,
        "updatedAt": instant(move.at),
    }
    return view | ({"externalReason": _external(move)} if move.return_code else {})


def transaction(booking: Booking) -> dict[str, Any]:
    """`Transaction`: one booking."""
    move = booking.move
    return {
        "accountHolder": HOLDER,
        "amount": {"currency": move.currency, "value": booking.amount_minor},
        "balanceAccount": {"id": move.account},
        "balancePlatform": PLATFORM,
        "bookingDate": instant(move.at),
        "creationDate": instant(move.at),
        "id": booking.id,
        "status": "booked",
        "transfer": {"id": move.id, "reference": move.reference},
        "valueDate": instant(move.at),
        **_texts(move),
    }


def balance_account(name: str, account: Account) -> dict[str, Any]:
    """GET /balanceAccounts/{id} of the Balance Platform API."""
    return {
        "accountHolderId": HOLDER["id"],
        "balances": [
            {
                "available": account.held[currency],
                "balance": account.held[currency],
                "currency": currency,
                "reserved": 0,
            }
            for currency in account.currencies
        ],
        "defaultCurrencyCode": account.currencies[0],
        "id": name,
        "status": "active",
    }


def problem(
    status: int, *, code: str, detail: str, faults: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """`TransferServiceRestServiceError`."""
    view: dict[str, Any] = {
        "detail": detail,
        "errorCode": code,
        "status": status,
        "title": "Unprocessable entity" if status == 422 else "Error",
        "type": "about:blank",
    }
    fields = [{"name": name, "message": message, "value": ""} for name, message in faults]
    return view | ({"invalidFields": fields} if fields else {})


def instant(at: datetime) -> str:
    """A moment as ISO 8601 with its offset."""
    return at.isoformat(timespec="microseconds")


def cursor(place: Place) -> str:
    """A place in a list, opaque."""
    return base64.urlsafe_b64encode(f"{place[0].isoformat()}|{place[1]}".encode()).decode()


def place(cursor: str) -> Place:
    """The place a cursor stands for.

    Raises:
        ValueError: it is not one of ours.
    """
    try:
        at, _, name = base64.urlsafe_b64decode(cursor).decode().partition("|")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(cursor) from None
    return datetime.fromisoformat(at), name


def _common(move: Move) -> dict[str, Any]:
    return {
        "accountHolder": HOLDER,
        "amount": {"currency": move.currency, "value": move.amount_minor},
        "balanceAccount": {"id": move.account},
        "category": "bank",
        "categoryData": {"priority": move.request.get("priority", "regular"), "type": "bank"},
        "counterparty": move.counterparty,
        "createdAt": instant(move.at),
        "direction": "incoming" if move.incoming else "outgoing",
        "id": move.id,
        "reference": move.reference,
        "type": "bankTransfer",
        **_texts(move),
    }


def _texts(move: Move) -> dict[str, str]:
    names = ("description", "referenceForBeneficiary")
    return {name: move.request[name] for name in names if name in move.request}


def _events(move: Move) -> list[dict[str, Any]]:
    signed = move.amount_minor if move.incoming else -move.amount_minor
    events = [_event(move, "received", received=signed)]
    if move.status == "refused":
        return [*events, _event(move, "refused", received=-signed) | {"reason": _reason(move)}]
    events.append(_event(move, "authorised", received=-signed, reserved=signed))
    booked = _event(move, "booked", balance=signed, reserved=-signed)
    events.append(booked | {"transactionId": f"EVJN{move.id}1"})
    if move.status == "returned":
        returned = _event(move, "returned", balance=move.returned_minor)
        returned |= {"transactionId": f"EVJN{move.id}2", "externalReason": _external(move)}
        events.append(returned | {"reason": _reason(move)})
    return events


def _event(move: Move, status: str, **mutations: int) -> dict[str, Any]:
    return {
        "bookingDate": instant(move.at),
        "id": f"{move.id}{status.upper()}",
        "mutations": [{"currency": move.currency, **mutations}],
        "status": status,
        "type": "accounting",
        "valueDate": instant(move.at),
    }


def _reason(move: Move) -> str:
    if move.status == "returned":
        return REASONS.get(move.return_code, "refusedByCounterpartyBank")
    return move.reason


def _external(move: Move) -> dict[str, str]:
    return {"code": move.return_code, "namespace": "ISO20022"}
