"""`[approval]` and `[controls]`: who approves, and what is held between approval and release."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from settle import payments
from settle.adapters import PaymentKind
from settle.errors import BadInput
from settle.money import exponent, to_minor

Major = Mapping[str, Decimal | int]
"""Amounts in major units, by currency."""

Count = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=0, le=366)]
Complaint = tuple[str, str]
"""A key, and what is wrong with it."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApprovalSettings(_Section):
    """`[approval]`: by currency (major units), what policy approves by itself, and one person.

    A currency that `limit_major` does not name waits for a person; above `second_limit_major` two
    different persons must approve.
    """

    limit_major: Major = Field(default_factory=dict)
    second_limit_major: Major = Field(default_factory=dict)

    def limits_minor(self) -> dict[str, int]:
        """The limits of policy in minor units."""
        return _minor(self.limit_major)

    def policy(self) -> payments.Policy:
        """The limits as payments take them."""
        return payments.Policy(
            limit_minor=self.limits_minor(), second_limit_minor=_minor(self.second_limit_major)
        )

    def complaints(self) -> Iterator[Complaint]:
        """What is wrong with it, by key."""
        yield from _wrong("approval.limit_major", self.limit_major)
        yield from _wrong("approval.second_limit_major", self.second_limit_major)
        for code, second in self.second_limit_major.items():
            if second < self.limit_major.get(code, 0):
                key = f"approval.second_limit_major.{code}"
                yield key, "is below limit_major, which policy approves by itself"


class LimitSettings(_Section):
    """`[[controls.limits]]`: what may be released in a business day, per party, rail or both."""

    per: Annotated[Sequence[payments.Scope], BeforeValidator(_listed)] = ()
    amount_major: Major = Field(default_factory=dict)
    count: Mapping[str, Count] = Field(default_factory=dict)
    only: frozenset[str] = frozenset()


class BlastRadiusSettings(_Section):
    """`[controls.blast_radius]`: what a night may release before a person confirms it."""

    factor: Decimal = Field(ge=1)
    nights: int = Field(default=10, ge=1, le=366)
    nights_min: int = Field(default=5, ge=1, le=366)
    basis: payments.Basis = payments.Basis.MEDIAN
    floor_major: Major = Field(default_factory=dict)
    floor_count: Count = 0
    first_major: Major = Field(default_factory=dict)
    first_count: Count | None = None


class CoolOffSettings(_Section):
    """`[controls.cool_off]`: days that a payment to a new payee waits, by kind of payment."""

    changed_days: Mapping[PaymentKind, Days] = Field(default_factory=dict)
    first_days: Mapping[PaymentKind, Days] = Field(default_factory=dict)


class RailLimits(_Section):
    """`[controls.rails.NAME]`: what its accounts must keep, and how much may be on its way."""

    floor_major: Major = Field(default_factory=dict)
    exposure_major: Major = Field(default_factory=dict)


class ControlsSettings(_Section):
    """`[controls]`: the pause switch, and every limit between approval and release.

    Nothing is released to the rails, currencies and agreements that are paused.
    """

    paused_rails: frozenset[str] = frozenset()
    paused_currencies: frozenset[str] = frozenset()
    paused_agreements: frozenset[str] = frozenset()
    limits: tuple[LimitSettings, ...] = ()
    blast_radius: BlastRadiusSettings | None = None
    cool_off: CoolOffSettings | None = None
    rails: Mapping[str, RailLimits] = Field(default_factory=dict)
    patience_days: int = Field(default=5, ge=0, le=366)

    @property
    def pauses(self) -> payments.Pauses:
        """What is paused by the file."""
        return payments.Pauses(
            rails=self.paused_rails, currencies=self.paused_currencies,
            parties=self.paused_agreements,
        )  # fmt: skip

    def controls(self) -> payments.Controls:
        """All of it as payments take it, in minor units."""
        return payments.Controls(
            pauses=self.pauses,
            limits=tuple(_limit(each) for each in self.limits),
            blast_radius=_blast_radius(self.blast_radius),
            cool_off=_cool_off(self.cool_off),
            floors=self._by_rail(lambda rail: rail.floor_major),
            exposures=self._by_rail(lambda rail: rail.exposure_major),
            patience_days=self.patience_days,
        )

    def _by_rail(self, which: Callable[[RailLimits], Major]) -> dict[tuple[str, str], int]:
        return {
            (name, code): minor
            for name, rail in self.rails.items()
            for code, minor in _minor(which(rail)).items()
        }

    def complaints(self, rails: Collection[str]) -> Iterator[Complaint]:
        """What is wrong with it, by key. `rails`: those that are configured."""
        for key, names in (("paused_rails", self.paused_rails), ("rails", self.rails)):
            for rail in sorted(set(names) - set(rails)):
                yield f"controls.{key}", f"no rail {rail!r} is configured"
        yield from _unknown("controls.paused_currencies", self.paused_currencies)
        for place, limit in enumerate(self.limits):
            at = f"controls.limits.{place}"
            yield from _wrong(f"{at}.amount_major", limit.amount_major)
            yield from _unknown(f"{at}.count", limit.count)
            yield from _limit_complaints(at, limit)
        if (blast := self.blast_radius) is not None:
            yield from _wrong("controls.blast_radius.floor_major", blast.floor_major)
            yield from _wrong("controls.blast_radius.first_major", blast.first_major)
            if blast.nights_min > blast.nights:
                yield "controls.blast_radius.nights_min", "is more than nights"
        for name, bounds in self.rails.items():
            yield from _wrong(f"controls.rails.{name}.floor_major", bounds.floor_major)
            yield from _wrong(f"controls.rails.{name}.exposure_major", bounds.exposure_major)


def _limit_complaints(at: str, limit: LimitSettings) -> Iterator[Complaint]:
    if not limit.amount_major and not limit.count:
        yield at, "limits nothing; give amount_major, count, or both"
    if payments.Scope.CURRENCY in limit.per:
        yield f"{at}.per", "is party, rail, or both; amounts and counts are by currency anyway"
    if limit.only and not limit.per:
        yield f"{at}.only", "names parties or rails; say which of them in per"


def _limit(each: LimitSettings) -> payments.DayLimit:
    return payments.DayLimit(
        per=tuple(each.per), amount_minor=_minor(each.amount_major), count=each.count,
        only=each.only,
    )  # fmt: skip


def _blast_radius(each: BlastRadiusSettings | None) -> payments.BlastRadius | None:
    if each is None:
        return None
    return payments.BlastRadius(
        factor=Fraction(each.factor), nights=each.nights, nights_min=each.nights_min,
        basis=each.basis, floor_minor=_minor(each.floor_major), floor_count=each.floor_count,
        first_minor=_minor(each.first_major), first_count=each.first_count,
    )  # fmt: skip


def _cool_off(each: CoolOffSettings | None) -> payments.CoolOff | None:
    if each is None:
        return None
    return payments.CoolOff(changed=each.changed_days, first=each.first_days)


def _minor(major: Major) -> dict[str, int]:
    return {code: _whole(value, code) for code, value in major.items()}


def _whole(value: Decimal | int, currency: str) -> int:
    minor = to_minor(value, currency)
    if minor < 0:
        raise BadInput(f"{value} is below zero; give zero to let nothing pass")
    return minor


def _wrong(key: str, amounts: Major) -> Iterator[Complaint]:
    for code, value in amounts.items():
        try:
            _whole(value, code)
        except BadInput as error:
            yield f"{key}.{code}", str(error)


def _unknown(key: str, currencies: Collection[str]) -> Iterator[Complaint]:
    for code in sorted(currencies):
        try:
            exponent(code)
        except BadInput as error:
            yield key, str(error)
