"""The passes: which line explains which payment, computed by the views from columns alone.

Nothing here writes or reads a store. The same lines and payments in any order give the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.engine import Engine, Scratch, read_views
from settle.errors import BadInput
from settle.reconciliation.receipts import ReceiptRule, rule_rows

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS = Path(__file__).parent / "views"

STEPS = (
    "payment_references",
    "linked",
    "exact_reference",
    "open_payments",
    "batch_reference",
    "receipts",
    "left_payments",
    "explanations",
    "unique_explanation",
    "bookings",
    "return_reference",
    "matched",
    "unexplained",
    "alternatives",
)
"""The views in the order they are computed, each from those before it."""

PAYMENT_COLUMNS = (
    "payment_id", "rail", "account", "currency", "amount_minor", "end_to_end_id", "uetr",
    "batch_id", "idempotency_key", "state", "value_date", "released_on", "beneficiary_name",
)  # fmt: skip
"""What `payments` must carry. A name may be null: then any party fits."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the passes say. This is sorted, and each line stands in exactly one of the three.

    matched: line_id, payment_id, pass, leg, amount_minor, charges_minor, state.
    receipts: line_id, account.  unexplained: line_id, payment_id, reason, expected_minor,
    expected_count.  alternatives: the first explanations of a line that was refused
    for having several: explanation, explanations (how many there are).
    """

    matched: Sequence[Row]
    receipts: Sequence[Row]
    unexplained: Sequence[Row]
    alternatives: Mapping[str, Sequence[Row]]


def judge(
    engine: Engine,
    *,
    lines: pa.Table,
    payments: pa.Table,
    taken: pa.Table,
    rules: Sequence[ReceiptRule],
) -> Judgement:
    """Run every pass over the lines that nothing explains yet.

    `lines`: rows of `statement_lines`; `payments`: one per payment ever sent; `taken`: the
    (payment_id, leg) that earlier lines explain.

    Raises:
        BadInput: `payments` lacks a column.
    """
    _check(payments)
    if not lines.num_rows:
        return Judgement(matched=(), receipts=(), unexplained=(), alternatives={})
    with engine.scratch() as scratch:
        _give(scratch, lines=lines, payments=payments, taken=taken, rules=rules)
        scratch.steps(read_views(VIEWS, STEPS))
        alternatives: dict[str, list[Row]] = {}
        for row in _rows(scratch, "alternatives", by="line_id, place"):
            alternatives.setdefault(row["line_id"], []).append(row)
        return Judgement(
            matched=_rows(scratch, "matched", by="line_id, payment_id, leg"),
            receipts=_rows(scratch, "receipts", by="line_id"),
            unexplained=_rows(scratch, "unexplained", by="line_id"),
            alternatives=alternatives,
        )


def _check(payments: pa.Table) -> None:
    missing = [name for name in PAYMENT_COLUMNS if name not in payments.column_names]
    if missing:
        raise BadInput(f"payments: the column {missing[0]} is missing", field=missing[0])


def _rows(scratch: Scratch, name: str, *, by: str) -> Sequence[Row]:
    rows: list[Row] = scratch.rows(f"select * from {name} order by {by}").to_pylist()  # noqa: S608  # our names
    return rows


def _give(
    scratch: Scratch,
    *,
    lines: pa.Table,
    payments: pa.Table,
    taken: pa.Table,
    rules: Sequence[ReceiptRule],
) -> None:
    import pyarrow as pa

    scratch.give("given_payments", payments)
    scratch.give("given_lines", lines)
    scratch.give("taken", taken)
    scratch.give("receipt_rules", pa.table(rule_rows(rules), schema=_rule_schema()))
    texts, references = _texts(lines)
    scratch.give("line_texts", texts)
    scratch.give("line_references", references)
    scratch.steps(read_views(VIEWS, ("lines", "payments")))


def _texts(lines: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The words of each line: all its texts, and those that are references."""
    import pyarrow as pa

    texts: list[tuple[str, str]] = []
    references: list[tuple[str, str, str]] = []
    columns = ("line_id", "rail", "remittance_information", "reference_names", "end_to_end_id",
               "uetr", "rail_reference")  # fmt: skip
    for line_id, rail, remittance, others, *named in zip(
        *(lines.column(name).to_pylist() for name in columns), strict=True
    ):
        found = [*named, *(json.loads(others).values() if others != "{}" else ())]
        known = dict.fromkeys(reference for reference in found if reference)
        references += ((line_id, rail, reference) for reference in known)
        texts += ((line_id, text + " ") for text in (*known, remittance) if text)
    return (
        _table(("line_id", "text"), texts, pa.string()),
        _table(("line_id", "rail", "reference"), references, pa.string()),
    )


def _table(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], kind: Any) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(values, type=kind) for name, values in zip(names, columns, strict=True)}
    )


def _rule_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("prefix", pa.string()), ("account", pa.string()),
            ("inflow", pa.bool_()), ("outflow", pa.bool_()),
        ]
    )  # fmt: skip
