"""Fee schedules: what is charged for each kind of record, dated, in tiers or flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.kinds import CORRECTIONS, Kind
from settle.clearing.tabular import (
    Column,
    added,
    digest,
    distinct,
    read_table,
    refuse_missing,
    row_of,
    rows_of,
    texts_to_types,
)
from settle.errors import BadInput
from settle.money import MINOR_MAX, currencies

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]

COLUMNS: tuple[Column, ...] = (
    Column("schedule_id", "text"),
    Column("kind", "text"),
    added("currency", "text", ""),
    Column("valid_from", "day"),
    added("tiers", "text", "flat"),
    added("measure", "text", ""),
    added("tier_from", "whole", 0),
    added("ppm", "whole", 0),
    added("fixed_minor", "whole", 0),
    added("minimum_minor", "whole"),
    added("maximum_minor", "whole"),
    added("per", "text", "record"),
    added("back_on_refund", "flag", default=False),
    added("restores", "flag", default=False),
)
"""A row a tier; a flat rule is one row. The types are those of `settle.clearing.tabular`."""

_RULE = ("schedule_id", "kind", "currency", "valid_from")
_ALIKE = ("tiers", "measure", "per", "minimum_minor", "maximum_minor", "back_on_refund",
          "restores")  # fmt: skip
_PPM = 1_000_000
_ALWAYS = "9999-12-31"


@dataclass(frozen=True)
class Fees:
    """All fee schedules as columns, checked. `table`: a row a tier of a rule.

    A rule holds for one schedule, kind of record and currency (blank: any), from a day on until
    the next one. `ppm` is of the record's amount, `fixed_minor` in its currency; `minimum_minor`
    and `maximum_minor` bound what one record is charged (under `per` position, of a flat rule:
    what one position is). Tiers count, over a calendar month of the records' days and by agreement,
    kind and currency, the amount or the number of records: `graduated` charges what lies in a
    tier at its price, `volume` charges everything at the price of the tier reached. A free quota
    is a first tier of nothing. `back_on_refund`: a refund gives back what its amount cost;
    `restores`: it takes its volume off the count.
    """

    table: pa.Table

    @classmethod
    def load(cls, path: Path) -> Fees:
        """Read schedules from a CSV or Parquet file. This checks every column and every rule.

        Raises:
            BadInput: the file cannot be read or lacks a column, or a value does not fit; the
                message names file, row, field and why.
        """
        return cls.of(read_table(path), name=path.name)

    @classmethod
    def of(cls, table: pa.Table, *, name: str = "fees") -> Fees:
        """Schedules from columns that are already in memory. This checks them the same way.

        Raises:
            BadInput: as `load`.
        """
        refuse_missing(table, COLUMNS, name=name)
        typed = texts_to_types(table, COLUMNS, name=name)
        _check_values(typed, table, name=name)
        fees = cls(typed)
        for rule in fees.rules:
            _check_rule(rule, rows=rows_of(table), name=name)
        return fees

    @classmethod
    def none(cls) -> Fees:
        """No schedule. This serves where every agreement has its own percent and fixed fee."""
        import pyarrow as pa

        names = [column.name for column in COLUMNS if not column.later]
        return cls.of(pa.table({name: pa.array([], pa.string()) for name in names}))

    @cached_property
    def digest(self) -> str:
        """The sha256 of all schedules. This tells under which fees a window was closed."""
        return digest(self.table)

    @cached_property
    def schedules(self) -> frozenset[str]:
        """The ids of all schedules."""
        return frozenset(self.table.column("schedule_id").unique().to_pylist())

    @cached_property
    def rules(self) -> Sequence[Sequence[Row]]:
        """The rules, each as its tiers in order, with `place`: the row of each in the table."""
        found: dict[tuple[Any, ...], list[Row]] = {}
        for place, row in enumerate(self.table.to_pylist()):
            key = tuple(row[name] for name in _RULE)
            found.setdefault(key, []).append({**row, "place": place})
        by_tier = itemgetter("tier_from")
        return [sorted(found[key], key=by_tier) for key in sorted(found)]


def _check_values(typed: pa.Table, given: pa.Table, *, name: str) -> None:
    known = frozenset(currencies())
    kinds = frozenset(str(kind) for kind in CORRECTIONS)
    amounts = ("tier_from", "fixed_minor", "minimum_minor", "maximum_minor")
    checks = [
        ("kind", kinds.__contains__, "not a kind of record"),
        ("currency", lambda code: code == "" or code in known, "not in the currency table"),
        ("tiers", ("flat", "graduated", "volume").__contains__,
         "not flat, graduated or volume"),
        ("measure", ("", "amount", "count").__contains__, "not amount or count"),
        ("per", ("record", "position").__contains__, "not record or position"),
        ("ppm", lambda ppm: 0 <= ppm <= _PPM, "not between 0 and 1000000"),
        *((field, lambda minor: minor is None or 0 <= minor <= MINOR_MAX,
           "negative or too large") for field in amounts),
    ]  # fmt: skip
    for field, holds, why in checks:
        coded = distinct(typed, field)
        for place, value in enumerate(coded.dictionary.to_pylist()):
            if not holds(value):
                row = row_of(given, coded, place)
                raise _bad(name, row=row, field=field, value=value, why=why)


def _check_rule(rule: Sequence[Row], *, rows: Sequence[int], name: str) -> None:
    first = rule[0]
    for field, row, why in _faults(first, rule):
        raise _bad(name, row=rows[row["place"]], field=field, value=row[field], why=why)


def _faults(first: Row, rule: Sequence[Row]) -> Iterator[tuple[str, Row, str]]:
    """Each field of a rule that does not go with the others, where it stands, and why."""
    yield from _tier_faults(first, rule)
    yield from _measure_faults(first, rule)
    yield from _refund_faults(first)
    least, most = first["minimum_minor"], first["maximum_minor"]
    if least is not None and most is not None and least > most:
        yield "minimum_minor", first, "above the maximum"
    if first["tiers"] == "volume" and (least is not None or most is not None):
        field = "minimum_minor" if least is not None else "maximum_minor"
        yield field, first, "a record that moves all volume to another price has no bounds"


def _tier_faults(first: Row, rule: Sequence[Row]) -> Iterator[tuple[str, Row, str]]:
    for tier in rule[1:]:
        for field in _ALIKE:
            if tier[field] != first[field]:
                yield field, tier, "not the same in all tiers of the rule"
    if first["tier_from"] != 0:
        yield "tier_from", first, "the first tier begins at 0"
    for lower, upper in pairwise(rule):
        if lower["tier_from"] == upper["tier_from"]:
            yield "tier_from", upper, "there twice"


def _measure_faults(first: Row, rule: Sequence[Row]) -> Iterator[tuple[str, Row, str]]:
    if first["tiers"] == "flat":
        if first["measure"]:
            yield "measure", first, "a flat rule measures nothing"
        if len(rule) > 1:
            yield "tiers", rule[1], "a flat rule is one row"
        return
    if not first["measure"]:
        yield "measure", first, "tiers are of amount or of count"
    if first["per"] != "record":
        yield "per", first, "only a flat rule is charged once a position"


def _refund_faults(first: Row) -> Iterator[tuple[str, Row, str]]:
    for field in ("back_on_refund", "restores"):
        if first[field] and first["kind"] != Kind.SALE:
            yield field, first, "a refund turns to the rule for sales alone"


def _bad(name: str, *, row: int, field: str, value: object, why: str) -> BadInput:
    shown = repr(value) if isinstance(value, str) else value
    return BadInput(
        f"{name}, row {row}, {field}: {shown} is refused: {why}", file=name, row=row, field=field
    )


def fees_tables(fees: Fees) -> tuple[pa.Table, pa.Table]:
    """What the views join: `rules`, each with the days it holds, and `fee_tiers`.

    `fee_tiers`: by rule_id, tier_from (in), tier_until (out; null: the last), ppm, fixed_minor,
    and what all lower tiers come to: base_ppm (amount times ppm), base_fixed.
    """
    import pyarrow as pa

    rules, tiers = [], []
    until = _ends(fees.rules)
    for rule_id, rule in enumerate(fees.rules):
        first = rule[0]
        rules.append(
            {
                "rule_id": rule_id,
                **{name: first[name] for name in ("schedule_id", "kind", "currency", *_ALIKE)},
                "valid_from": first["valid_from"].isoformat(),
                "valid_until": until[rule_id],
            }
        )
        tiers += [{"rule_id": rule_id, **tier} for tier in _tiers(rule)]
    whole, wide, text, flag = pa.int64(), pa.decimal128(38, 0), pa.string(), pa.bool_()
    rule_schema = {
        "rule_id": whole, "schedule_id": text, "kind": text, "currency": text, "tiers": text,
        "measure": text, "per": text, "minimum_minor": whole, "maximum_minor": whole,
        "back_on_refund": flag, "restores": flag, "valid_from": text, "valid_until": text,
    }  # fmt: skip
    tier_schema = {
        "rule_id": whole, "tier_from": whole, "tier_until": whole, "ppm": whole,
        "fixed_minor": whole, "base_ppm": wide, "base_fixed": wide,
    }  # fmt: skip
    return (
        pa.Table.from_pylist(rules, schema=pa.schema(rule_schema)),
        pa.Table.from_pylist(tiers, schema=pa.schema(tier_schema)),
    )


def _ends(rules: Sequence[Sequence[Row]]) -> list[str]:
    """The first day on which each rule no longer holds. Rules come sorted by key and day."""
    ends = [_ALWAYS] * len(rules)
    same = itemgetter("schedule_id", "kind", "currency")
    for place, (rule, following) in enumerate(pairwise(rules)):
        if same(rule[0]) == same(following[0]):
            ends[place] = following[0]["valid_from"].isoformat()
    return ends


def _tiers(rule: Sequence[Row]) -> Iterator[Row]:
    from decimal import Decimal

    base_ppm = base_fixed = 0
    for tier, above in zip(rule, [*rule[1:], None], strict=True):
        until = None if above is None else above["tier_from"]
        yield {
            "tier_from": tier["tier_from"],
            "tier_until": until,
            "ppm": tier["ppm"],
            "fixed_minor": tier["fixed_minor"],
            "base_ppm": Decimal(base_ppm),
            "base_fixed": Decimal(base_fixed),
        }
        if until is not None:
            base_ppm += (until - tier["tier_from"]) * tier["ppm"]
            base_fixed += (until - tier["tier_from"]) * tier["fixed_minor"]
