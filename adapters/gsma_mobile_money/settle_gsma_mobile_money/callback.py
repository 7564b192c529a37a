"""Callbacks: believed by the key agreed upon, then translated. All of it is pure.

The specification signs nothing. It names, for both directions alike, a key agreed upon
(`X-API-Key`) and a digest of the content (`X-Content-Hash`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from settle.adapters import Fact, Notification, Secret, Source
from settle.errors import DocumentError
from settle_gsma_mobile_money.statuses import Statuses, of_transaction, standing
from settle_gsma_mobile_money.wire import Problem, Transaction, read

KEY, HASH, CORRELATION = "x-api-key", "x-content-hash", "x-correlationid"
TAKEN = frozenset({Fact.ACCEPTED, Fact.BOOKED})
REVERSALS = frozenset({"reversal", "adjustment"})


def forgery(headers: Mapping[str, str], content: bytes, *, key: Secret) -> str | None:
    """Why a delivery is not believed, or None. This takes constant time over the key."""
    given = headers.get(KEY, "").encode(errors="replace")
    if not hmac.compare_digest(given, key.reveal().encode()):
        return "the key is missing or is not the one agreed upon"
    told = headers.get(HASH)
    if told is not None and told.strip().lower() != hashlib.sha256(content).hexdigest():
        return "the content is not what its digest says"
    return None


def translate(
    headers: Mapping[str, str], content: bytes, *, rail: str, statuses: Statuses,
    received_at: datetime,
) -> Notification:  # fmt: skip
    """What a believed delivery proves. Errors and unknown statuses only make us ask.

    Raises:
        DocumentError: it is authentic and yet not understood.
    """
    body = _json(content)
    about = _of_ours(headers.get(CORRELATION, ""))
    delivery_id = hashlib.sha256(f"{about}\n".encode() + content).hexdigest()
    if not isinstance(body, dict):
        raise DocumentError("callback: not an object")
    if "transactionReference" not in body:
        _check_known(body)
        return Notification(delivery_id=delivery_id, find_first=(about,) if about else ())
    made = read(Transaction, body, what="callback")
    reference = made.our_reference or about
    if made.type in REVERSALS or not reference:
        return Notification(delivery_id=delivery_id)  # the statement shows what came back
    if standing(made.transaction_status, statuses) is None or made.currency is None:
        return Notification(delivery_id=delivery_id, find_first=(reference,))
    proof = of_transaction(
        made, reference=reference, currency=made.currency, source=Source.NOTIFICATION,
        rail=rail, statuses=statuses, otherwise_at=received_at,
    )  # fmt: skip
    if proof.fact in TAKEN and made.our_reference:
        return Notification(delivery_id=delivery_id, evidence=(proof,))
    return Notification(delivery_id=delivery_id, find_first=(reference,))


def _of_ours(correlation: str) -> str:
    """The key of ours that a correlation may be: nobody says whose id a callback carries."""
    bare = correlation.strip().replace("-", "").lower()
    return bare if re.fullmatch("[0-9a-f]{32}", bare) else ""


def _check_known(body: Mapping[str, Any]) -> None:
    """Refuse a body that is none of the callbacks of version 1.1.2."""
    if "errorCategory" in body or "errorCode" in body:
        read(Problem, body, what="callback")
    elif not body.keys() & {"batchId", "result"}:
        raise DocumentError("callback: neither a transaction nor a batch, a result or an error")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise DocumentError("callback: not JSON") from None
