"""What each step of a night reports back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Statements that came, their new lines, and the rails that did not answer, with why."""

    statements: int
    lines_new: int
    rails_down: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Obligations looked at and payments made of them; `held` fail a check of ours.

    `refused`: why an obligation got no payment, by obligation.
    """

    obligations: int
    payments: int
    held: int
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Payments free to go, and those that wait: all of them, and by the control that holds them."""

    funded: int
    waiting: int
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Payments by how their sending ended. Accepted is not paid."""

    accepted: int
    rejected: int
    unknown: int
    rails_down: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Unknowns that evidence has ended, and those that stay."""

    closed: int
    unknown: int
    resent: int
    rails_down: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Lines explained now, lines that nothing explains, and breaks open."""

    matched: int
    unexplained: int
    breaks_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a notification. One that is not authentic changes nothing.

    `look_up`: it tells of something that only the rail itself can prove, so `Hub.look_up` is
    due; a failure that a notification tells of is never proof. `duplicate`: it came before.
    """

    authentic: bool
    recorded: int
    reason: str = ""
    look_up: bool = False
    duplicate: bool = False
