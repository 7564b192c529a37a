"""What the simulated rail keeps: its transactions, and the requests that made them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

LATER = timedelta(seconds=30)
"""How long a request takes that is carried out later."""
REJECT = re.compile(r"SANDBOX (?:REJECT|FAIL) (\w+)")
PENDING = re.compile(r"SANDBOX PENDING (\d{1,5})")
STATUS = re.compile(r"SANDBOX STATUS (\w+)")
RETURN = re.compile(r"SANDBOX RETURN(?: \w+)? SHORT (\d+)")
_NAMES = uuid.UUID("5d0f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001")

Parties = Sequence[Mapping[str, str]]


@dataclass(slots=True, kw_only=True)
class Deed:
    """One transaction at the rail. `amount_minor` is positive."""

    reference: str
    type: str
    amount_minor: int
    currency: str
    debit: Parties
    credit: Parties
    at: datetime
    status: str = "completed"
    ours: str = ""
    description: str = ""
    original: str = ""


@dataclass(slots=True, kw_only=True)
class Ask:
    """One request that makes something, and what has become of it so far."""

    number: int
    kind: str
    at: datetime
    due: datetime
    correlation: str
    callback: str
    client: str
    target: str
    body: Any
    state: str = "pending"
    made: str = ""
    error: str = ""
    rejected: dict[int, str] = field(default_factory=dict)
    deeds: dict[int, str] = field(default_factory=dict)

    @property
    def server_id(self) -> str:
        """`serverCorrelationId`."""
        return name_of(f"request {self.number}")


def name_of(what: str) -> str:
    """A UUID that is the same whenever the rail is started again."""
    return str(uuid.uuid5(_NAMES, what))


def ask_of(entry: Mapping[str, Any]) -> Ask:
    """A request as memory has it."""
    at, due = (datetime.fromisoformat(entry[x]) for x in ("at", "due"))
    return Ask(**{**entry, "at": at, "due": due})


def undoing(original: Deed, *, kept: int, name: str, at: datetime, ours: str) -> Deed:
    """The transaction that gives another back, short of what is kept."""
    return Deed(
        reference=name_of(name),
        type="reversal",
        amount_minor=max(original.amount_minor - kept, 0),
        currency=original.currency,
        debit=original.credit,
        credit=original.debit,
        at=at,
        ours=ours,
        original=original.reference,
    )


def payee_of(body: Any) -> str:
    """The payee's full name, where the sandbox's magic words stand."""
    kyc = body.get("recipientKyc") if isinstance(body, dict) else None
    name = kyc.get("subjectName") if isinstance(kyc, dict) else None
    return str(name.get("fullName", "")) if isinstance(name, dict) else ""
