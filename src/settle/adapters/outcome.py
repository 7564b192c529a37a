"""The three outcomes of a call that may move money.

`Accepted` is not paid: the rail took responsibility. `Rejected` is only for an answer that the
rail documents as "nothing was created". Everything else is `Unknown`, and nothing but stored
evidence ends it. Match on the type, and close the match with `assert_never`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The rail took responsibility for the payment. This is not yet a booking."""

    rail_reference: str | None = None
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The rail documents its answer as: nothing was created. This frees the obligation."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody knows whether money will move. This keeps the funds reserved until proof comes."""

    reason: str


Outcome = Accepted | Rejected | Unknown
