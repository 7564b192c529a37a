"""The netter in plain Python, a record at a time: slow, and nothing shared but `divide`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.properties.netting_world import DAY, PPM, RATES, Row, World

from settle.clearing.kinds import DIRECTIONS, Kind
from settle.money import Rounding, divide, exponent

Key = tuple[str, str, str, str, str]
"""Agreement, part, currency of the records, currency of the position, rate."""


@dataclass
class Bucket:
    """What a bucket comes to: components in its currency, and what records came to singly."""

    components: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    records: int = 0
    single: int = 0
    single_fees: int = 0


@dataclass
class Netter:
    """All that a window adds up to, filled a record at a time."""

    world: World
    buckets: dict[Key, Bucket] = field(default_factory=lambda: defaultdict(Bucket))
    sales: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    fees_of: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    turnover_of: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    volume: dict[Any, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    used: dict[Any, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def run(self) -> Netter:
        """Take every record in the order in which they happened."""
        for row in self.world.usage:
            key = tuple(
                row[n] for n in ("agreement_id", "schedule_id", "kind", "currency", "month")
            )
            self.volume[key] = [row["amount_minor"], row["records"]]
        for one in sorted(self.world.records, key=lambda r: (r["occurred_at"], r["record_id"])):
            self._take(one)
        return self

    def terms(self, agreement_id: str) -> Row:
        """The terms of an agreement."""
        return next(own for own in self.world.terms if own["agreement_id"] == agreement_id)

    def _take(self, one: Row) -> None:
        own = self.terms(one["agreement_id"])
        kind, amount, code = Kind(one["kind"]), one["amount_minor"], one["currency"]
        to = DIRECTIONS[kind]
        parts = {
            "net": "",
            "gross": "credit" if to.sign > 0 else "debit",
            "bilateral": one["counterparty_id"] or "hub",
        }
        part = parts[own["netting"]]
        quote = code if own["conversion"] == "none" else own["settlement_currency"]
        rate = rate_of(one, own, quote)
        bucket = self.buckets[own["agreement_id"], part, code, quote, rate.rate_id]
        bucket.records += 1
        bucket.components[to.component] += to.sign * amount
        single = rate.exchange(amount, own)
        bucket.single += to.sign * single
        if to.component == "fees_explicit":
            bucket.single_fees -= to.sign * single
        if one["kind"].endswith(("fee_returned", "fee_retaken")):
            self.fees_of[one["counterparty_id"], code] -= to.sign * amount
        if to.component in ("sales", "refunds"):
            self.turnover_of[one["counterparty_id"], code] += to.sign * amount
        if own["fee_schedule"] is None:
            fees = self._plain(one, own, part, single)
        else:
            fees = list(self._scheduled(one, own, part, rate))
        for way, fee, single_fee in fees:
            bucket.components["fees_percent" if way > 0 else "fees_back"] -= way * fee
            bucket.single -= way * single_fee
            bucket.single_fees += way * single_fee
            self.fees_of[one["counterparty_id"], code] += way * fee

    def _plain(self, one: Row, own: Row, part: str, single: int) -> list[tuple[int, int, int]]:
        rounding = Rounding(own["rounding"])
        way = {"sale": 1, "refund": -1 if own["fee_back_on_refund"] else 0}.get(one["kind"], 0)
        if one["kind"] == "sale":
            self.sales[own["agreement_id"], part] += own["fee_fixed_minor"]
        fee, single_fee = (
            divide(value * own["fee_ppm"], PPM, rounding=rounding)
            for value in (one["amount_minor"], single)
        )
        return [(way, fee, single_fee)] if way else []

    def _scheduled(
        self, one: Row, own: Row, part: str, rate: Rate
    ) -> Iterator[tuple[int, int, int]]:
        turns = [(1, one["kind"])] + ([(-1, "sale")] if one["kind"] == "refund" else [])
        for way, fee_kind in turns:
            tiers = rule_of(self.world, one, own["fee_schedule"], fee_kind)
            if tiers is None:
                continue
            fee = self._charge(one, own, part, tiers, way)
            if way < 0 and not tiers[0]["back_on_refund"]:
                continue
            yield way, fee, rate.exchange(fee, own)

    def _charge(self, one: Row, own: Row, part: str, tiers: list[Row], way: int) -> int:
        first, rounding = tiers[0], Rounding(own["rounding"])
        amount, least, most = one["amount_minor"], first["minimum_minor"], first["maximum_minor"]
        if way < 0:
            least = None
        if first["tiers"] == "flat" and first["per"] == "record":
            fixed = first["fixed_minor"] if way > 0 else 0
            return bounded(
                divide(amount * first["ppm"], PPM, rounding=rounding) + fixed, least, most
            )
        if first["tiers"] == "flat":
            state = self.volume["position", own["agreement_id"], part, one["currency"],
                                tuple(first.items()), way]  # fmt: skip
            before, state[0], state[1] = tuple(state), state[0] + amount, state[1] + 1
            costs = [
                bounded(
                    divide(a * first["ppm"], PPM, rounding=rounding)
                    + (n * first["fixed_minor"] if way > 0 else 0),
                    least, most,
                ) if n else 0
                for a, n in (before, state)
            ]  # fmt: skip
            return costs[1] - costs[0]
        key = (own["agreement_id"], first["schedule_id"], first["kind"], one["currency"],
               one["occurred_window"][:7])  # fmt: skip
        state = self.volume[key]
        before = tuple(state)
        after = before[0] + way * amount, before[1] + way
        if way > 0 or first["restores"]:
            state[:] = after
            self.used[key][0] += way * amount
            self.used[key][1] += way
        fee = way * (
            cumulative(tiers, after, rounding=rounding)
            - cumulative(tiers, before, rounding=rounding)
        )
        if first["tiers"] == "graduated" and first["measure"] == "count":
            tier = tier_of(tiers, min(before[1], after[1]))
            fee += divide(amount * tier["ppm"], PPM, rounding=rounding)
        if first["tiers"] == "graduated" and first["measure"] == "amount" and way > 0:
            fee += tier_of(tiers, before[0])["fixed_minor"]
        return bounded(fee, least, most)


def bounded(fee: int, least: int | None, most: int | None) -> int:
    """A fee within its bounds."""
    if least is not None and fee < least:
        return least
    return fee if most is None or fee <= most else most


def tier_of(tiers: list[Row], measured: int) -> Row:
    """The tier in which what comes next lies."""
    return [t for t in tiers if t["tier_from"] <= max(measured, 0)][-1]


def cumulative(tiers: list[Row], state: tuple[int, ...], *, rounding: Rounding) -> int:
    """What all volume of a month costs, rounded once."""
    amount, count = state
    measured = count if tiers[0]["measure"] == "count" else amount
    if tiers[0]["tiers"] == "volume":
        tier = tier_of(tiers, measured)
        percent = divide(amount * tier["ppm"], PPM, rounding=rounding)
        return percent + count * int(tier["fixed_minor"])
    price = "fixed_minor" if tiers[0]["measure"] == "count" else "ppm"
    if measured <= 0:
        total = measured * tiers[0][price]
    else:
        ends = [t["tier_from"] for t in tiers[1:]] + [measured]
        total = sum(
            max(min(end, measured) - tier["tier_from"], 0) * tier[price]
            for tier, end in zip(tiers, ends, strict=True)
        )
    return total if price == "fixed_minor" else divide(total, PPM, rounding=rounding)


def rule_of(world: World, one: Row, schedule: str, kind: str) -> list[Row] | None:
    """The tiers that hold for a record: its very currency first, then the latest day."""
    for currency in (one["currency"], ""):
        rows = [
            rule
            for rule in world.rules
            if (rule["schedule_id"], rule["kind"], rule["currency"]) == (schedule, kind, currency)
            and rule["valid_from"].isoformat() <= one["occurred_window"]
        ]
        if rows:
            latest = max(row["valid_from"] for row in rows)
            tiers = [row for row in rows if row["valid_from"] == latest]
            return sorted(tiers, key=lambda row: row["tier_from"])
    return None


@dataclass(frozen=True)
class Rate:
    """A rate as a participant gets it, and the mid rate of the window's day, both exact."""

    rate_id: str
    base: str
    quote: str
    client_e8: int
    client: Fraction
    day: Fraction

    def exchange(self, amount: int, own: Row, *, at_mid: bool = False) -> int:
        """An amount converted exactly, in major units, and rounded once."""
        major = Fraction(amount, 10 ** exponent(self.base)) * (self.day if at_mid else self.client)
        exact = major * 10 ** exponent(self.quote)
        return divide(exact.numerator, exact.denominator, rounding=Rounding(own["rounding"]))


def rate_of(one: Row, own: Row, quote: str) -> Rate:
    """The rate that a record asks for."""
    base = one["currency"]
    if base == quote:
        return Rate(f"{base}/{quote}", base, quote, 10**8, Fraction(1), Fraction(1))
    day = date.fromisoformat(one["occurred_window"])
    is_next = own["conversion"] == "next_day"
    if one["kind"].startswith("refund"):
        if own["refund_rate"] == "original":
            day = date.fromisoformat(one["original_on"]) if one["original_on"] else day
        else:
            is_next = own["refund_rate"] == "next_day"
    day += timedelta(days=is_next)
    mid, day_mid = (worth(base, quote, on) for on in (day, DAY))
    markup = Fraction(own["fx_markup_ppm"], PPM)
    # What is told is rounded, and what converts is not. `round` is half-even.
    client_e8 = round(Fraction(round(mid * 10**8)) * (1 - markup))
    return Rate(
        f"ECB:{day}:{base}/{quote}", base, quote, client_e8, mid * (1 - markup), day_mid
    )  # fmt: skip


def worth(base: str, quote: str, day: date) -> Fraction:
    """Units of one currency for one of another, by what each is for a euro on a day."""
    per_euro = {"EUR": 10**8, **RATES.by_day[day]}
    return Fraction(per_euro[quote], per_euro[base])


def reference(world: World) -> dict[str, Any]:
    """`buckets`, `positions`, `shares` and `used` of a world, each by key."""
    netter = Netter(world).run()
    buckets = {key: told(netter, key, bucket) for key, bucket in netter.buckets.items()}
    positions: dict[tuple[str, str, str], dict[str, int]] = defaultdict(
        lambda: {"records": 0, "converted_minor": 0, "fees_fixed_minor": 0, "tax_fixed_minor": 0}
    )
    for (agreement, part, _, quote, _), bucket in buckets.items():
        for name in ("records", "converted_minor"):
            positions[agreement, part, quote][name] += bucket[name]
    for (agreement, part), fixed in netter.sales.items():
        own = netter.terms(agreement)
        if fixed:
            position = positions[agreement, part, own["settlement_currency"]]
            position["fees_fixed_minor"] = -fixed
            position["tax_fixed_minor"] = -divide(
                fixed * own["tax_ppm"], PPM, rounding=Rounding(own["rounding"])
            )
    used = {key: tuple(value) for key, value in netter.used.items()}
    return {
        "buckets": buckets, "positions": dict(positions), "shares": shares(netter), "used": used,
    }  # fmt: skip


def told(netter: Netter, key: Key, bucket: Bucket) -> dict[str, int]:
    """A bucket's figures as the netter tells them."""
    agreement, _, base, quote, rate_id = key
    own = netter.terms(agreement)
    rounding = Rounding(own["rounding"])
    parts = bucket.components
    fees = sum(parts[n] for n in ("fees_percent", "fees_back", "fees_explicit"))
    parts["tax"] = divide(fees * own["tax_ppm"], PPM, rounding=rounding)
    net = sum(parts.values())
    rate = next(
        found
        for one in netter.world.records
        if one["agreement_id"] == agreement and one["currency"] == base
        and (found := rate_of(one, own, quote)).rate_id == rate_id
    )  # fmt: skip
    whole = rate.exchange(net, own)
    tax = divide(bucket.single_fees * own["tax_ppm"], PPM, rounding=rounding)
    is_single = own["convert_per"] == "record" and base != quote
    converted = bucket.single - tax if is_single else whole
    return {
        **{f"{name}_minor": amount for name, amount in parts.items()},
        "records": bucket.records,
        "net_minor": net,
        "client_e8": rate.client_e8,
        "converted_minor": converted,
        "fx_result_minor": rate.exchange(net, own, at_mid=True) - whole,
        "rounding_result_minor": whole - converted,
    }


def shares(netter: Netter) -> dict[tuple[str, str, str], int]:
    """What partners get of the fees, and as interchange, by partner, currency and component."""
    found = {}
    for own in netter.world.terms:
        if own["role"] != "partner":
            continue
        for name, ppm, base in (
            ("fee_share", own["fee_share_ppm"], netter.fees_of),
            ("interchange", own["interchange_ppm"], netter.turnover_of),
        ):
            for (partner, currency), amount in base.items():
                share = divide(amount * ppm, PPM, rounding=Rounding(own["rounding"]))
                if partner == own["participant_id"] and share:
                    found[partner, currency, name] = share
    return found
