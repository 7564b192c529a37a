"""The kinds of a record: which way the money goes, and who stands on the other side."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    SALE_CORRECTION = "sale_correction"
    REFUND_CORRECTION = "refund_correction"
    CHARGEBACK_CORRECTION = "chargeback_correction"
    CHARGEBACK_REVERSAL_CORRECTION = "chargeback_reversal_correction"
    ADJUSTMENT_CREDIT_CORRECTION = "adjustment_credit_correction"
    ADJUSTMENT_DEBIT_CORRECTION = "adjustment_debit_correction"
    FEE_CORRECTION = "fee_correction"
    FEE_RETURNED = "fee_returned"
    FEE_RETAKEN = "fee_retaken"
    REFUND_FEE_RETURNED = "refund_fee_returned"
    REFUND_FEE_RETAKEN = "refund_fee_retaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """`sign` towards the participant; `component` of its position; `against` whom."""

    sign: int
    component: str
    against: str

    @property
    def way(self) -> str:
        """The part of a position under gross settlement: credit or debit."""
        return "credit" if self.sign > 0 else "debit"


DIRECTIONS: dict[Kind, Direction] = {
    Kind.SALE: Direction(sign=1, component="sales", against="partner"),
    Kind.REFUND: Direction(sign=-1, component="refunds", against="partner"),
    Kind.CHARGEBACK: Direction(sign=-1, component="chargebacks", against="partner"),
    Kind.CHARGEBACK_REVERSAL: Direction(sign=1, component="reversals", against="partner"),
    Kind.ADJUSTMENT_CREDIT: Direction(sign=1, component="adjustments", against="hub"),
    Kind.ADJUSTMENT_DEBIT: Direction(sign=-1, component="adjustments", against="hub"),
    Kind.FEE: Direction(sign=-1, component="fees_explicit", against="hub"),
}

CORRECTIONS: dict[Kind, Kind] = {kind: Kind(f"{kind}_correction") for kind in DIRECTIONS}
"""What takes a record of a kind back: the same the other way, and no fee of its own."""

DIRECTIONS |= {
    **{back: replace(DIRECTIONS[kind], sign=-DIRECTIONS[kind].sign)
       for kind, back in CORRECTIONS.items()},
    # Percent fees that a correction takes back, in which partners have their share.
    Kind.FEE_RETURNED: Direction(sign=1, component="fees_explicit", against="hub"),
    Kind.FEE_RETAKEN: Direction(sign=-1, component="fees_explicit", against="hub"),
    # The same of a refund, which is converted as refunds are.
    Kind.REFUND_FEE_RETURNED: Direction(sign=1, component="fees_explicit", against="hub"),
    Kind.REFUND_FEE_RETAKEN: Direction(sign=-1, component="fees_explicit", against="hub"),
}  # fmt: skip


COMPONENTS = (
    "sales", "refunds", "chargebacks", "reversals", "adjustments", "fees_percent", "fees_back",
    "fees_explicit", "tax",
)  # fmt: skip
"""What a bucket is made of, in the currency of its records."""


def kinds_query(*, corrections: bool = True) -> str:
    """The kinds as columns `kind, sign, way, component, against`. This is what the views join.

    Without `corrections` it has the kinds that a platform may send.
    """
    rows = ", ".join(
        f"('{kind}', cast({to.sign} as bigint), '{to.way}', '{to.component}', '{to.against}')"
        for kind, to in DIRECTIONS.items()
        if corrections or kind in CORRECTIONS
    )
    return f"select * from (values {rows}) as k(kind, sign, way, component, against)"  # noqa: S608  # ours


def turns_table() -> pa.Table:
    """Which fee rules a record turns to: `kind, fee_kind, is_back`.

    This is that of its own kind, and for a refund that of sales, of which it may give back.
    """
    import pyarrow as pa

    kinds = [str(kind) for kind in DIRECTIONS]
    return pa.table(
        {
            "kind": [*kinds, str(Kind.REFUND)],
            "fee_kind": [*kinds, str(Kind.SALE)],
            "is_back": [*(False for _ in kinds), True],
        }
    )
