"""The kinds of a record: which way the money goes, and who stands on the other side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Kind(StrEnum):
    """What a record says happened. This fixes the direction of its amount."""

    SALE = "sale"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    CHARGEBACK_REVERSAL = "chargeback_reversal"
    ADJUSTMENT_CREDIT = "adjustment_credit"
    ADJUSTMENT_DEBIT = "adjustment_debit"
    FEE = "fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """`sign` towards the participant; `component` of its position; `against` whom."""

    sign: int
    component: str
    against: str


DIRECTIONS: dict[Kind, Direction] = {
    Kind.SALE: Direction(sign=1, component="sales", against="partner"),
    Kind.REFUND: Direction(sign=-1, component="refunds", against="partner"),
    Kind.CHARGEBACK: Direction(sign=-1, component="chargebacks", against="partner"),
    Kind.CHARGEBACK_REVERSAL: Direction(sign=1, component="reversals", against="partner"),
    Kind.ADJUSTMENT_CREDIT: Direction(sign=1, component="adjustments", against="hub"),
    Kind.ADJUSTMENT_DEBIT: Direction(sign=-1, component="adjustments", against="hub"),
    Kind.FEE: Direction(sign=-1, component="fees_explicit", against="hub"),
}


COMPONENTS = (
    "sales", "refunds", "chargebacks", "reversals", "adjustments", "fees_percent", "fees_back",
    "fees_explicit", "tax",
)  # fmt: skip
"""What a bucket is made of, in the currency of its records."""


def kinds_table() -> pa.Table:
    """The kinds as columns `kind, sign, component, against`. This is what the views join."""
    import pyarrow as pa

    rows = [
        {"kind": str(kind), "sign": to.sign, "component": to.component, "against": to.against}
        for kind, to in DIRECTIONS.items()
    ]
    schema = pa.schema(
        {"kind": pa.string(), "sign": pa.int64(), "component": pa.string(), "against": pa.string()}
    )
    return pa.Table.from_pylist(rows, schema=schema)
