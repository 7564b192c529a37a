"""What a screening comes to: its matches, what people ruled about them, and whether it may go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from settle.payments.instruction import Row
from settle.payments.screening.names import NAME_LENGTH_MAX
from settle.payments.screening.thresholds import ONE
from settle.text import shown


class Verdict(StrEnum):
    """How a beneficiary stands. Only what is `CLEAR` or `CLEARED` may be released."""

    CLEAR = "clear"
    CLEARED = "cleared"  # people ruled that each entry like it is somebody else
    REVIEW = "review"
    BLOCK = "block"
    CONFIRMED = "confirmed"  # somebody ruled that it is who the list means

    @property
    def is_free(self) -> bool:
        """Whether a payment to it may be released."""
        return self in (Verdict.CLEAR, Verdict.CLEARED)


class Ruling(StrEnum):
    """What a person decides of a beneficiary and one entry of a list."""

    FALSE_POSITIVE = "false_positive"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry that the beneficiary is like. `score` is in parts per million, of `name`.

    `entry_digest` is of all that the entry says: a ruling holds for this and no other.
    """

    list: str
    list_version: str
    entry_id: str
    entry_digest: str
    name: str
    score: int
    kind: str = ""
    country: str = ""
    date_of_birth: str = ""

    @property
    def entry(self) -> tuple[str, str, str]:
        """Which entry it is, as it stands."""
        return self.list, self.entry_id, self.entry_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one person ruled, of one beneficiary and one entry."""

    entry: tuple[str, str, str]
    ruling: Ruling
    actor: str
    reason: str
    decided_at: datetime


Entry = tuple[str, str, str]


def verdict_of(
    matches: Sequence[Match], decisions: Iterable[Decision], *, block_at: int, more: int = 0
) -> tuple[Verdict, Match | None]:
    """How a beneficiary with these matches stands, and the match that decides it.

    `decisions` in the order in which they were made. `more`: matches beyond those given, which
    nobody can have ruled about.
    """
    rulings = _rulings(decisions)
    for match in matches:
        if match.entry in rulings and rulings[match.entry][0] is Ruling.CONFIRMED:
            return Verdict.CONFIRMED, match
    left = [match for match in matches if not _is_cleared(match, rulings, block_at)]
    if left:
        best = max(left, key=lambda match: match.score)
        blocked = best.score >= block_at
        return (Verdict.BLOCK if blocked else Verdict.REVIEW), best
    if more:
        return Verdict.REVIEW, None
    return (Verdict.CLEARED if matches else Verdict.CLEAR), None


def _is_cleared(match: Match, rulings: Mapping[Entry, tuple[Ruling, int]], block_at: int) -> bool:
    """Whether enough people ruled it somebody else: one, and of a block two."""
    if match.entry not in rulings:
        return False
    ruling, people = rulings[match.entry]
    return ruling is Ruling.FALSE_POSITIVE and people >= (2 if match.score >= block_at else 1)


def _rulings(decisions: Iterable[Decision]) -> dict[Entry, tuple[Ruling, int]]:
    """The last ruling of each entry, and how many people made it since the last other one."""
    people: dict[Entry, set[str]] = {}
    last: dict[Entry, Ruling] = {}
    for decision in decisions:
        if last.get(decision.entry) is not decision.ruling:
            people[decision.entry] = set()
        last[decision.entry] = decision.ruling
        if decision.ruling is Ruling.FALSE_POSITIVE:
            people[decision.entry].add(decision.actor)
    return {entry: (ruling, len(people[entry])) for entry, ruling in last.items()}


def nobody_can_say(name: str) -> Match:
    """The match of a name that cannot be compared: people say whose it is, as of a block."""
    return Match(
        list="", list_version="", entry_id="not comparable", entry_digest="",
        name=name[:NAME_LENGTH_MAX], score=ONE,
    )  # fmt: skip


def reason_of(verdict: Verdict, match: Match | None, *, more: int = 0) -> str:
    """Why a payment is held, for people; empty where it is not."""
    if verdict.is_free:
        return ""
    if match is None:
        return f"screening: {verdict}: {more:,} further matches; screen again to see them"
    if not match.list:
        return f"screening: {verdict}: the name cannot be compared"
    return (
        f"screening: {verdict}: like {shown(match.name)} ({match.score:,} ppm; {shown(match.list)} "
        f"{shown(match.entry_id)}, list {match.list_version[:10]})"
    )


def subject_of(row: Row) -> str:
    """The digest of a beneficiary. A ruling holds for it, and no longer once any of it changes."""
    told = [row[f"beneficiary_{part}"] for part in _BENEFICIARY]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


_BENEFICIARY = ("name", "country", "town", "account", "bic", "bank_code")


def as_text(matches: Sequence[Match]) -> str:
    """Matches as they are kept."""
    return json.dumps([asdict(match) for match in matches], ensure_ascii=True, sort_keys=True)


def from_text(text: str) -> list[Match]:
    """Matches that were kept."""
    return [Match(**each) for each in json.loads(text)]
