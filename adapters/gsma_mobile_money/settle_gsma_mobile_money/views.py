"""What the simulated rail shows: its books in the shapes of version 1.1.2."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from settle.money import plain
from settle_gsma_mobile_money import rules
from settle_gsma_mobile_money.books import Books
from settle_gsma_mobile_money.deeds import Ask, Deed


def transaction(deed: Deed) -> dict[str, Any]:
    """`responseTransaction`, and `responseReversal` for what undoes another."""
    view: dict[str, Any] = {
        "amount": decimal(deed.amount_minor, deed.currency),
        "creationDate": instant(deed.at),
        "creditParty": list(deed.credit),
        "currency": deed.currency,
        "debitParty": list(deed.debit),
        "descriptionText": deed.description,
        "modificationDate": instant(deed.at),
        "transactionReference": deed.reference,
        "transactionStatus": deed.status,
        "type": deed.type,
    }
    if deed.ours:
        view["requestingOrganisationTransactionReference"] = deed.ours
    return view | ({"originalTransactionReference": deed.original} if deed.original else {})


def state(ask: Ask) -> dict[str, Any]:
    """`requestStateObject`."""
    view: dict[str, Any] = {
        "notificationMethod": "callback" if ask.callback else "polling",
        "serverCorrelationId": ask.server_id,
        "status": ask.state,
    }
    if ask.made:
        view["objectReference"] = ask.made
    return view | ({"error": problem(ask.error, at=ask.due)} if ask.error else {})


def problem(code: str, *, at: datetime) -> dict[str, Any]:
    """`errorObject`."""
    return {
        "errorCategory": rules.CATEGORY[code],
        "errorCode": code,
        "errorDateTime": instant(at),
        "errordescription": "the simulated rail refuses the request",
    }


def balance(books: Books, wallet: str) -> dict[str, Any]:
    """`responseAccountBalance`."""
    currency = books.wallets[wallet]
    held = decimal(books.held[wallet], currency)
    return {"accountStatus": "available", "currency": currency, "currentBalance": held}


def batch(ask: Ask) -> dict[str, Any]:
    """`responseBatchTransaction`; its dates are required, whatever lies ahead."""
    done = instant(ask.due)
    return {
        "approvalDate": done,
        "batchId": ask.made,
        "batchStatus": "completed",
        "completedCount": len(ask.deeds),
        "completionDate": done,
        "creationDate": instant(ask.at),
        "parsingSuccessCount": len(ask.body["transactions"]),
        "processingFlag": False,
        "rejectionCount": len(ask.rejected),
    }


def completions(ask: Ask, books: Books) -> list[dict[str, Any]]:
    """`responseBatchTransactionCompletion`s."""
    found = []
    for reference in ask.deeds.values():
        deed = books.deeds[reference]
        view = {
            "completionDate": instant(deed.at),
            "creditParty": list(deed.credit),
            "debitParty": list(deed.debit),
            "link": f"/transactions/{reference}",
            "transactionReference": reference,
        }
        found.append(view | _ours(deed.ours))
    return found


def rejections(ask: Ask) -> list[dict[str, Any]]:
    """`responseBatchTransactionRejection`s."""
    found = []
    for number, code in ask.rejected.items():
        item = ask.body["transactions"][number]
        told = item if isinstance(item, dict) else {}
        view = {
            "creditParty": told.get("creditParty", []),
            "debitParty": told.get("debitParty", []),
            "rejectionDate": instant(ask.due),
            "rejectionReason": code,
        }
        found.append(view | _ours(told.get("requestingOrganisationTransactionReference", "")))
    return found


def result(ask: Ask, books: Books) -> dict[str, Any]:
    """What a callback carries once a request is over."""
    if ask.error:
        return problem(ask.error, at=ask.due)
    if ask.kind == "patch":
        return {"result": "success"}
    return batch(ask) if ask.kind == "batch" else transaction(books.deeds[ask.made])


def decimal(amount_minor: int, currency: str) -> str:
    """An amount as the specification's pattern has it."""
    text = plain(amount_minor, currency)
    return text.rstrip("0").rstrip(".") if "." in text else text


def instant(at: datetime) -> str:
    """A moment as RFC 3339 has it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ours(reference: str) -> dict[str, str]:
    return {"requestingOrganisationTransactionReference": reference} if reference else {}
