"""Webhooks: verified with the rail's public key, then read. All of it is pure.

They carry the rail's own id of a transfer and no reference of ours, and they come in any order,
twice, and weeks late. So none of them is evidence: each makes us ask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import Field

from settle.adapters import Notification, Secret
from settle.errors import ConfigError, DocumentError
from settle_wise.wire import Id, Moment, Wire, read

HEADER = "x-signature-sha256"
STATE_CHANGE, REFUND = "transfers#state-change", "transfers#refund"
PAYOUT_FAILURE, ACTIVE_CASES = "transfers#payout-failure", "transfers#active-cases"


class Delivery(Wire):
    """What all events have in common."""

    event_type: str = Field(alias="event_type")
    data: dict[str, Any] = Field(default_factory=dict)


class Resource(Wire):
    """The transfer that an event is about."""

    id: Id
    profile_id: Id = Field(alias="profile_id")


class Changed(Wire):
    """The data of a change of state or a refund."""

    resource: Resource
    current_state: str = Field(default="", alias="current_state")
    occurred_at: Moment | None = Field(default=None, alias="occurred_at")


class Failed(Wire):
    """The data of a payout that failed."""

    transfer_id: Id = Field(alias="transfer_id")
    profile_id: Id = Field(alias="profile_id")
    occurred_at: Moment | None = Field(default=None, alias="occurred_at")


def is_signed(headers: Mapping[str, str], content: bytes, *, key: Secret) -> bool:
    """Whether the delivery carries the rail's signature of its very bytes.

    Raises:
        ConfigError: the key is no RSA public key in PEM.
    """
    public = _public(key)
    try:
        signature = base64.b64decode(headers.get(HEADER, ""), validate=True)
        public.verify(signature, content, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def translate(content: bytes, *, profile: int) -> Notification:
    """Which transfer to ask about. The delivery's id is made of what was signed, nothing else.

    Raises:
        DocumentError: it is authentic and yet not understood.
    """
    delivery = read(Delivery, _json(content), what="webhook")
    what = f"webhook {delivery.event_type[:40]}"
    if delivery.event_type == PAYOUT_FAILURE:
        failed = read(Failed, delivery.data, what=what)
        transfer, owner, state = failed.transfer_id, failed.profile_id, "failed"
        at = failed.occurred_at
    elif delivery.event_type in (STATE_CHANGE, REFUND, ACTIVE_CASES):
        changed = read(Changed, delivery.data, what=what)
        transfer, owner = changed.resource.id, changed.resource.profile_id
        state, at = changed.current_state, changed.occurred_at
    else:
        return Notification(delivery_id=hashlib.sha256(content).hexdigest())
    moment = at.isoformat() if at else "undated"
    return Notification(
        delivery_id=f"{delivery.event_type}:{transfer}:{state}:{moment}",
        find_first=(str(transfer),) if owner == profile else (),
    )


def _public(key: Secret) -> RSAPublicKey:
    try:
        public = load_pem_public_key(key.reveal().encode())
    except ValueError:
        raise ConfigError("the webhook key is not in PEM", key="webhook_key") from None
    if not isinstance(public, RSAPublicKey):
        raise ConfigError("the webhook key is not an RSA key", key="webhook_key")
    return public


def _json(content: bytes) -> object:
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise DocumentError("webhook: not JSON") from None
