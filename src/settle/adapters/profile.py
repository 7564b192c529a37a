"""What a rail is and is not, as data: the engine reads this instead of knowing rails."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from settle.adapters.payment import PaymentKind


class Verb(StrEnum):
    """What an adapter may be asked to do."""

    SUBMIT = "submit"
    SUBMIT_BATCH = "submit_batch"
    FIND = "find"
    FIND_BATCH = "find_batch"
    CANCEL = "cancel"
    QUOTE = "quote"
    STATEMENT = "statement"
    BALANCES = "balances"
    NOTIFICATION = "notification"


class Support(StrEnum):
    """How far a verb is supported. A `no` refuses locally, before anything is sent."""

    YES = "yes"
    NO = "no"
    NOT_YET = "not_yet"
    UNVERIFIED = "unverified"


class KeyPlace(StrEnum):
    """Where the idempotency key travels."""

    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """How the rail treats idempotency keys. This decides whether a re-send is ever allowed.

    `deduplicates` says that a second request with the same key and the same content executes
    nothing new within `lifetime`; where it is false, or the lifetime has passed, an `Unknown`
    is only ever looked up, never sent again. `form` is a regular expression that a key matches
    whole. An answer with a status of `conflicts` says that the key came before, with another
    content or still under way: it never means that nothing was created, whatever its body says.
    """

    place: KeyPlace
    name: str
    length_max: int
    lifetime: timedelta
    deduplicates: bool
    replays_errors: bool = False
    form: str = r"[\x21-\x7e]+"
    conflicts: frozenset[int] = frozenset({409})

    def takes(self, key: str) -> bool:
        """Whether a key has the form and the length that the rail asks for."""
        return len(key) <= self.length_max and re.fullmatch(self.form, key) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds the rail states. This is checked before anything is stored as sent."""

    amount_minor_max: Mapping[str, int] = field(default_factory=dict)
    batch_size_max: int = 1
    requests_per_second: int | None = None
    concurrency_max: int = 8
    page_size_max: int = 100


ANYWHERE = "*"
"""Stands for every country that no other row names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a payment costs us on a rail. This is what routing compares, never what is posted.

    `fixed_minor` is in minor units of `currency`, `ppm` are millionths of the amount; `country`
    is the beneficiary's.
    """

    currency: str
    country: str = ANYWHERE
    fixed_minor: int = 0
    ppm: int = 0

    def millionths(self, amount_minor: int) -> int:
        """The cost of a payment in millionths of a minor unit: exact, so that any two compare."""
        return self.fixed_minor * 1_000_000 + amount_minor * self.ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """Until when a rail takes an order, by the clock of `zone`. This is for one currency.

    `value_days`: business days of the currency between the order's day and its value date.
    """

    currency: str
    zone: str
    time: time
    value_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One rail, as data. This is what routing, the executor and the conformance suite read.

    `finality_horizon` is how long after submission the rail may still execute; absence counts
    as proof only where `late_execution_impossible`. `own_rejections` are the codes of a
    `Rejected` that speak of the rail or of our account there: another rail may take the payment.
    After any other code the obligation waits for a corrected beneficiary.
    """

    rail: str
    currencies: frozenset[str]
    kinds: frozenset[PaymentKind]
    verbs: Mapping[Verb, Support]
    key: Key
    limits: Limits
    finality_horizon: timedelta
    late_execution_impossible: bool = False
    countries: frozenset[str] | None = None  # None: every country
    costs: Sequence[Cost] = ()
    cutoffs: Sequence[Cutoff] = ()
    own_rejections: frozenset[str] = frozenset()

    def supports(self, verb: Verb) -> bool:
        """Whether the verb may be used at all. `unverified` may, `not_yet` and `no` may not."""
        return self.verbs.get(verb, Support.NO) in (Support.YES, Support.UNVERIFIED)

    @property
    def in_batches(self) -> bool:
        """Whether payments leave as batches rather than one call each."""
        return self.supports(Verb.SUBMIT_BATCH)
