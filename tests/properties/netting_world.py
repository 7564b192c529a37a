"""One window's input as it may come: strategies that several engines' tests share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from settle.clearing.agreements import Agreements
from settle.clearing.fees import Fees
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.clearing.netting import Netted, net
from settle.clearing.rates import Rates
from settle.clearing.standing import Standing
from settle.money import parse_rate

DAY = date(2024, 12, 18)
QUOTES = {
    date(2024, 12, 16): {"USD": "1.0500", "JPY": "161.01", "CNY": "7.6488", "KRW": "1507.05"},
    date(2024, 12, 17): {"USD": "1.0497", "JPY": "161.51", "CNY": "7.6519", "KRW": "1509.12"},
    date(2024, 12, 18): {"USD": "1.0496", "JPY": "161.52", "CNY": "7.6463", "KRW": "1509.48"},
    date(2024, 12, 19): {"USD": "1.0405", "JPY": "163.37", "CNY": "7.5926", "KRW": "1503.94"},
}
RATES = Rates(
    {
        day: {code: parse_rate(text) for code, text in quotes.items()}
        for day, quotes in QUOTES.items()
    }
)
CODES = ["EUR", "USD", "JPY", "CNY", "KRW"]
PPM = 1_000_000
Row = Mapping[str, Any]

RECORD = pa.schema(
    {
        "record_id": pa.string(), "agreement_id": pa.string(), "participant_id": pa.string(),
        "counterparty_id": pa.string(), "kind": pa.string(), "amount_minor": pa.int64(),
        "currency": pa.string(), "occurred_at": pa.timestamp("us", "UTC"),
        "occurred_window": pa.string(), "original_on": pa.string(),
    }
)  # fmt: skip
USAGE = pa.schema(
    {
        "agreement_id": pa.string(), "schedule_id": pa.string(), "kind": pa.string(),
        "currency": pa.string(), "month": pa.string(), "amount_minor": pa.int64(),
        "records": pa.int64(),
    }
)  # fmt: skip

TERMS: Row = {
    "role": "merchant", "settlement_currency": "EUR", "fee_ppm": 0, "fee_fixed_minor": 0,
    "tax_ppm": 0, "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0,
    "payout_minimum_minor": 0, "fx_markup_ppm": 0, "rounding": "half_even",
    "hub_role": "principal", "valid_from": date(2024, 1, 1), "netting": "net",
    "conversion": "locked", "refund_rate": "request_day", "convert_per": "bucket",
    "fx_party": "hub", "fee_schedule": None, "fee_share_ppm": 0, "interchange_ppm": 0,
    **{f"beneficiary_{f}": "x" for f in ("name", "country", "town", "account", "bic", "bank_code")},
}  # fmt: skip
"""A merchant that is charged nothing; a test says what is otherwise."""

RULE: Row = {
    "schedule_id": "S1", "kind": "sale", "currency": "", "valid_from": date(2024, 1, 1),
    "tiers": "flat", "measure": "", "tier_from": 0, "ppm": 0, "fixed_minor": 0,
    "minimum_minor": None, "maximum_minor": None, "per": "record", "back_on_refund": False,
    "restores": False,
}  # fmt: skip


def terms(name: str, **other: Any) -> dict[str, Any]:
    """The agreement A-`name` of a participant."""
    return {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, **other}


def record(number: int = 0, **other: Any) -> dict[str, Any]:
    """A sale of 1.00 EUR of the day, the `number`-th second in it."""
    made = {
        "record_id": f"r{number:04}", "agreement_id": "A-M1", "participant_id": "M1",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": 100, "currency": "EUR",
        "day": DAY, "original_on": None, **other,
    }  # fmt: skip
    day = made.pop("day")
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=number)
    return {"occurred_at": at, "occurred_window": day.isoformat(), **made}


@dataclass(frozen=True)
class World:
    """One window's input: agreements, records, fee rules, and the volume of before."""

    terms: list[dict[str, Any]]
    records: list[dict[str, Any]] = field(default_factory=list)
    rules: Sequence[Row] = ()
    usage: Sequence[Row] = ()

    @property
    def agreements(self) -> Agreements:
        """As the netter reads them."""
        return Agreements.of(pa.Table.from_pylist(self.terms))

    @property
    def fees(self) -> Fees:
        """As the netter reads them."""
        if not self.rules:
            return Fees.none()
        return Fees.of(pa.Table.from_pylist([dict(rule) for rule in self.rules]))

    @property
    def record_table(self) -> pa.Table:
        """The table `records` of the scratch space."""
        return pa.Table.from_pylist(self.records, schema=RECORD)

    def with_records(self, records: list[dict[str, Any]]) -> World:
        """The same with other records."""
        return replace(self, records=records)


def netted(
    engine: Any, world: World, views: Mapping[str, str] | None = None, *, day: date = DAY,
    standing: Standing | None = None,
) -> Netted:  # fmt: skip
    """A world's window netted by an engine."""
    with engine.scratch() as scratch:
        scratch.give("records", world.record_table)
        return net(
            scratch, day=day, agreements=world.agreements, rates=RATES, fees=world.fees,
            usage=pa.Table.from_pylist([dict(row) for row in world.usage], schema=USAGE),
            standing=standing or Standing.none(), views=views,
        )  # fmt: skip


# ---- strategies ----


def merchants(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any terms of the agreement A-`name`."""
    return st.fixed_dictionaries(
        {
            "settlement_currency": st.sampled_from(CODES),
            "fee_ppm": st.sampled_from([0, 6_000, 29_999, PPM]),
            "fee_fixed_minor": st.sampled_from([0, 7, 30]),
            "tax_ppm": st.sampled_from([0, 70_000, 200_000]),
            "fee_back_on_refund": st.booleans(),
            "reserve_ppm": st.sampled_from([0, 50_000, 333_333]),
            "reserve_days": st.sampled_from([0, 1, 90]),
            "payout_minimum_minor": st.sampled_from([0, 1, 10_000]),
            "fx_markup_ppm": st.sampled_from([0, 6_100]),
            "rounding": st.sampled_from(["half_even", "half_up"]),
            "netting": st.sampled_from(["net", "net", "gross", "bilateral"]),
            "conversion": st.sampled_from(["locked", "locked", "next_day", "none"]),
            "refund_rate": st.sampled_from(["request_day", "original", "next_day"]),
            "convert_per": st.sampled_from(["bucket", "bucket", "record"]),
            "fx_party": st.sampled_from(["hub", "P1"]),
            "fee_schedule": st.sampled_from([None, None, "S1", "S2"]),
        }
    ).map(lambda drawn: terms(name, **drawn))


def partners(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any terms of the partner `name`."""
    return st.fixed_dictionaries(
        {
            "fee_share_ppm": st.sampled_from([0, 333_333]),
            "interchange_ppm": st.sampled_from([0, 1_500]),
            "rounding": st.sampled_from(["half_even", "half_up"]),
        }
    ).map(lambda drawn: terms(name, role="partner", **drawn))


AMOUNTS = st.one_of(
    st.integers(1, 200_000), st.sampled_from([1, 25, 50, 10**12 + 1, 5 * 10**12 + 3])
)
DAYS = st.sampled_from([DAY, DAY, DAY, date(2024, 12, 17)])


@st.composite
def record_lists(draw: st.DrawFn, most: int = 25) -> list[dict[str, Any]]:
    """Records of three merchants with two partners, of the day and the one before.

    An adjustment or a fee may be with nobody.
    """
    drawn = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "participant_id": st.sampled_from(["M1", "M2", "M3"]),
                    "counterparty_id": st.sampled_from(["P1", "P2", None]),
                    "kind": st.sampled_from([*map(str, Kind), "sale", "sale", "sale", "refund"]),
                    "amount_minor": AMOUNTS,
                    "currency": st.sampled_from(CODES),
                    "day": DAYS,
                    "original_on": st.sampled_from(["2024-12-16", "2024-12-17"]),
                }
            ),
            max_size=most,
        )
    )
    return [record(number, **{**one, **_whose(one)}) for number, one in enumerate(drawn)]


def _whose(one: Row) -> dict[str, Any]:
    with_hub = DIRECTIONS[Kind(one["kind"])].against == "hub"
    return {
        "agreement_id": f"A-{one['participant_id']}",
        "counterparty_id": one["counterparty_id"] or (None if with_hub else "P1"),
    }


@st.composite
def rule_lists(draw: st.DrawFn, *, telescoping: bool = False) -> list[Row]:
    """Sound rules of the schedules S1 and S2, some of which change on the day."""
    keys = st.sampled_from(
        [
            (schedule, kind, currency, valid_from)
            for schedule in ("S1", "S2")
            for kind in ("sale", "refund", "chargeback", "adjustment_debit")
            for currency in ("", "USD")
            for valid_from in ((DAY,) if telescoping else (date(2024, 1, 1), DAY))
        ]
    )
    rows: list[Row] = []
    for key in draw(st.lists(keys, max_size=6, unique=True)):
        start = date(2024, 1, 1) if telescoping else key[3]
        rows += draw(_rule((*key[:3], start), telescoping=telescoping))
    if {row["schedule_id"] for row in rows} != {"S1", "S2"}:
        rows += [{**RULE, "schedule_id": name, "kind": "fee"} for name in ("S1", "S2")]
    return rows


@st.composite
def _rule(draw: st.DrawFn, key: tuple[str, str, str, date], *, telescoping: bool) -> list[Row]:
    shapes = ["graduated", "volume"] if telescoping else ["flat", "flat", "graduated", "volume"]
    tiers = draw(st.sampled_from(shapes))
    measure = "" if tiers == "flat" else draw(st.sampled_from(["amount", "count"]))
    if telescoping and tiers == "graduated":
        measure = "amount"
    bounded = tiers != "volume" and not telescoping
    rule = {
        **RULE,
        **dict(zip(("schedule_id", "kind", "currency", "valid_from"), key, strict=True)),
        "tiers": tiers,
        "measure": measure,
        "per": draw(st.sampled_from(["record", "position"])) if tiers == "flat" else "record",
        "minimum_minor": draw(st.sampled_from([None, 0, 40])) if bounded else None,
        "maximum_minor": draw(st.sampled_from([None, 40, 900])) if bounded else None,
        "back_on_refund": key[1] == "sale" and (telescoping or draw(st.booleans())),
        "restores": key[1] == "sale" and (telescoping or draw(st.booleans())),
    }
    borders = [5, 2, 11] if measure == "count" else [50_000, 1_000, 10**12]
    froms = [0]
    if tiers != "flat":
        froms += sorted(draw(st.lists(st.sampled_from(borders), max_size=2, unique=True)))
    prices = st.sampled_from([0, 5_001, 29_999])
    fixed = st.just(0) if telescoping and tiers == "graduated" else st.sampled_from([0, 7])
    return [
        {**rule, "tier_from": start, "ppm": draw(prices), "fixed_minor": draw(fixed)}
        for start in froms
    ]


USAGES = st.sampled_from(
    [
        [],
        [
            {
                "agreement_id": f"A-M{n}", "schedule_id": schedule, "kind": kind,
                "currency": currency, "month": "2024-12", "amount_minor": 49_990, "records": 3,
            }
            for n in (1, 2, 3)
            for schedule in ("S1", "S2")
            for kind in ("sale", "refund")
            for currency in CODES
        ],
    ]
)  # fmt: skip


def worlds(*, most: int = 25, telescoping: bool = False) -> st.SearchStrategy[World]:
    """Any window of three merchants and two partners."""
    parties = st.tuples(
        *(merchants(f"M{n}") for n in (1, 2, 3)), *(partners(f"P{n}") for n in (1, 2))
    ).map(list)
    return st.builds(
        World, parties, record_lists(most), rule_lists(telescoping=telescoping), USAGES
    )
