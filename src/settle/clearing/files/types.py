"""The types of a file's rows, as settlement files name them, of our kinds and components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from settle.clearing.kinds import COMPONENTS, DIRECTIONS

if TYPE_CHECKING:
    import pyarrow as pa

CONVERTED, TOTAL, CONTROL = "CONVERTED", "TOTAL", "CONTROL"

TYPES: Mapping[str, str] = {
    "sales": "PAYMENT",
    "refunds": "REFUND",
    "chargebacks": "DISPUTE",
    "reversals": "DISPUTE_REVERSAL",
    "adjustments": "ADJUSTMENT",
    "fees_explicit": "SETTLEMENT_FEE",
    "fees_percent": "SETTLEMENT_FEE",
    "fees_back": "SETTLEMENT_FEE_REFUND",
    "tax": "TAX",
    "net": CONVERTED,
    "fees_fixed": "SETTLEMENT_FEE",
    "tax_fixed": "TAX",
    "reserve_withheld": "RESERVE_WITHHELD",
    "reserve_released": "RESERVE_RELEASED",
    "carried_in": "CARRIED_IN",
    "set_off": "SET_OFF",
    "reserve_recovered": "RESERVE_RECOVERED",
    "collateral_used": "COLLATERAL_USED",
    "rest": TOTAL,
    "paid": "PAID",
    "carried_out": "CARRIED_OUT",
    "claimed": "CLAIMED",
}
"""Component to type, in the order of a summary."""

BUCKET = COMPONENTS
"""Rows that sum to a bucket's `net`, in the currency of the records."""

OWN = ("fees_fixed", "tax_fixed", "reserve_withheld", "reserve_released", "carried_in", "set_off",
       "reserve_recovered", "collateral_used")  # fmt: skip
"""Rows that, with the converted buckets, sum to the TOTAL, in the currency of settlement."""

ENDS = ("paid", "carried_out", "claimed")
"""What becomes of the TOTAL; a claim stands the other way."""


def types_table() -> pa.Table:
    """The types as columns `component, type, place`. This is what the views join."""
    import pyarrow as pa

    return pa.table(
        {
            "component": list(TYPES),
            "type": list(TYPES.values()),
            "place": pa.array(range(len(TYPES)), pa.int32()),
        }
    )


def stands_table() -> pa.Table:
    """Where each component stands in a sum, as columns `component, stands`."""
    import pyarrow as pa

    stands = {
        **dict.fromkeys(BUCKET, "bucket"), "net": "net", **dict.fromkeys(OWN, "own"),
        "rest": "rest", **dict.fromkeys(ENDS, "end"),
    }  # fmt: skip
    return pa.table({"component": list(stands), "stands": list(stands.values())})


def kind_types_table() -> pa.Table:
    """The type of each kind of record, as columns `kind, type`."""
    import pyarrow as pa

    kinds = [str(kind) for kind in DIRECTIONS]
    return pa.table({"kind": kinds, "type": [TYPES[to.component] for to in DIRECTIONS.values()]})
