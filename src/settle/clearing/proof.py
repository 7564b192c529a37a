"""The proof of a position: its records, priced and summed again, are its lines exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from settle.clearing.explanation import Bucket, Explanation, bucket_of
from settle.clearing.kept_terms import KeptTerms
from settle.clearing.kinds import COMPONENTS
from settle.clearing.lake import Lake
from settle.clearing.netting import BUCKETS, netting_views
from settle.clearing.pricing import price
from settle.clearing.rates import Rates
from settle.clearing.records import STORED
from settle.clearing.settled import settled_records
from settle.clearing.usage import usage_of
from settle.engine import Engine
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of a bucket: as the position has it, and as its records give it."""

    currency: str
    rate_id: str
    component: str
    expected: int
    actual: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionProof:
    """A position held against its records, figure by figure."""

    position_id: str
    records: int
    compared: tuple[Compared, ...]

    @property
    def holds(self) -> bool:
        """Whether every figure is the same."""
        return all(each.expected == each.actual for each in self.compared)

    def as_json(self) -> dict[str, Any]:
        """The proof as plain values: how much was compared, and what differs."""
        return {
            "records": self.records,
            "figures": len(self.compared),
            "holds": self.holds,
            "differences": [
                f"{each.currency} {each.component}: {each.expected} is {each.actual}"
                for each in self.compared
                if each.expected != each.actual
            ],
        }


def prove(
    explanation: Explanation, *, store: Store, engine: Engine, lake: Path, rates: Rates
) -> PositionProof:
    """Price and sum the records of a closed position again, under the terms that were kept.

    Raises:
        BadInput: the window is not closed, or a file of the lake is missing.
    """
    position, at = explanation.position, Lake(lake)
    with store.reading() as connection:
        terms = KeptTerms.of(connection, window_id=position.window_id, lake=at)
        usage = usage_of(connection, before=position.window_id)
    # The whole agreement: tiers count over its records in their order.
    records = settled_records(
        at, position.outcome_name, engine=engine, agreement_id=position.agreement_id
    )
    with engine.scratch() as scratch:
        scratch.give("records", records.select([*STORED, "occurred_window", "reason"]))
        price(
            scratch, day=date.fromisoformat(position.window_id), agreements=terms.agreements,
            fees=terms.fees, rates=rates, usage=usage, views=netting_views(),
        )  # fmt: skip
        rows = scratch.rows(BUCKETS).to_pylist()
    key = position.agreement_id, position.part, position.currency
    names = ("agreement_id", "part", "settlement_currency")
    again = [bucket_of(row) for row in rows if tuple(row[name] for name in names) == key]
    return PositionProof(
        position_id=position.position_id,
        records=sum(bucket.records for bucket in again),
        compared=tuple(_compared(_figures(explanation.buckets), _figures(again))),
    )


Figures = Mapping[tuple[str, str, str], int]


def _figures(buckets: Any) -> Figures:
    found: dict[tuple[str, str, str], int] = {}
    for bucket in buckets:
        for component, amount in _of(bucket):
            found[bucket.currency, bucket.rate_id, component] = amount
    return found


def _of(bucket: Bucket) -> Iterator[tuple[str, int]]:
    amounts = {line.component: line.amount_minor for line in bucket.lines}
    yield from ((name, amounts.get(name, 0)) for name in COMPONENTS)
    yield "records", bucket.records
    yield "net", bucket.net_minor
    yield "client_e8", bucket.client_e8
    yield "converted", bucket.converted_minor


def _compared(expected: Figures, actual: Figures) -> Iterator[Compared]:
    for key in sorted(expected.keys() | actual.keys()):
        currency, rate_id, component = key
        yield Compared(
            currency=currency, rate_id=rate_id, component=component,
            expected=expected.get(key, 0), actual=actual.get(key, 0),
        )  # fmt: skip
