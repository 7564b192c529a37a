"""Transfer webhooks: verified with the HMAC key, then translated. All of it is pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from settle.adapters import Notification, Secret, Source
from settle.errors import ConfigError, DocumentError
from settle_adyen_transfers.statuses import TAKEN, evidence, is_mapped
from settle_adyen_transfers.wire import Delivery, Transfer, read

HEADER = "hmacsignature"
TYPES = {"balancePlatform.transfer.created", "balancePlatform.transfer.updated"}


def signature(content: bytes, *, key: str) -> str:
    """The base64 HMAC-SHA256 of a body under a hexadecimal key.

    Raises:
        ConfigError: the key is not hexadecimal.
    """
    try:
        secret = bytes.fromhex(key)
    except ValueError:
        raise ConfigError("the HMAC key is not hexadecimal", key="hmac_key") from None
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()


def is_signed(headers: Mapping[str, str], content: bytes, *, key: Secret) -> bool:
    """Whether the delivery carries the signature of its very bytes. This takes constant time."""
    given = headers.get(HEADER, "").encode(errors="replace")
    return hmac.compare_digest(given, signature(content, key=key.reveal()).encode())


def translate(content: bytes, *, rail: str, received_at: datetime) -> Notification:
    """What a verified delivery proves. Failures, returns and unknown statuses only make us ask.

    Raises:
        DocumentError: it is authentic and yet not understood.
    """
    delivery = read(Delivery, _json(content), what="webhook")
    digest = hashlib.sha256(content).hexdigest()
    if delivery.type not in TYPES:
        return Notification(delivery_id=digest)
    transfer = read(Transfer, delivery.data, what=f"webhook {delivery.type}")
    delivery_id = f"{transfer.id}:{transfer.sequence_number or digest}"
    if transfer.direction == "incoming" or not transfer.reference:
        return Notification(delivery_id=delivery_id)  # a deposit: the statement will show it
    found = list(
        evidence(
            transfer,
            source=Source.NOTIFICATION,
            rail=rail,
            otherwise_at=received_at,
        )
    )
    proofs = [x for x in found if is_mapped(x) and x.fact in TAKEN]
    return Notification(
        delivery_id=delivery_id,
        evidence=proofs,
        find_first=() if len(proofs) == len(found) else (transfer.reference,),
    )


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DocumentError("webhook: not JSON") from None
