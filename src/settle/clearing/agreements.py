"""The agreements: who settles in what, at which fees, with which reserve, paid where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.tabular import (
    Column,
    digest,
    read_table,
    refuse_missing,
    rows_of,
    texts_to_types,
)
from settle.errors import BadInput
from settle.money import MINOR_MAX, currencies

if TYPE_CHECKING:
    import pyarrow as pa

_PPM = 1_000_000

COLUMNS: tuple[Column, ...] = (
    Column("agreement_id", "text"),
    Column("participant_id", "text"),
    Column("role", "text"),
    Column("settlement_currency", "text"),
    Column("fee_ppm", "whole"),
    Column("fee_fixed_minor", "whole"),
    Column("tax_ppm", "whole"),
    Column("fee_back_on_refund", "flag"),
    Column("reserve_ppm", "whole"),
    Column("reserve_days", "whole"),
    Column("payout_minimum_minor", "whole"),
    Column("fx_markup_ppm", "whole"),
    Column("rounding", "text"),
    Column("hub_role", "text"),
    Column("valid_from", "day"),
    Column("beneficiary_name", "text", optional=True),
    Column("beneficiary_country", "text", optional=True),
    Column("beneficiary_town", "text", optional=True),
    Column("beneficiary_account", "text", optional=True),
    Column("beneficiary_bic", "text", optional=True),
    Column("beneficiary_bank_code", "text", optional=True),
)
"""In this order; the types are those of `settle.clearing.tabular`."""

Check = tuple[str, Callable[[Any], bool], str]


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def _between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


def _checks() -> list[Check]:
    known = frozenset(currencies())
    return [
        ("role", _one_of("merchant", "partner"), "not merchant or partner"),
        ("settlement_currency", known.__contains__, "not in the currency table"),
        ("fee_ppm", _between(0, _PPM), "not between 0 and 1000000"),
        ("fee_fixed_minor", _between(0, MINOR_MAX), "negative or too large"),
        ("tax_ppm", _between(0, _PPM), "not between 0 and 1000000"),
        ("reserve_ppm", _between(0, _PPM), "not between 0 and 1000000"),
        ("reserve_days", _between(0, 3660), "not between 0 and 3660"),
        ("payout_minimum_minor", _between(0, MINOR_MAX), "negative or too large"),
        ("fx_markup_ppm", _between(0, _PPM - 1), "not between 0 and 999999"),
        ("rounding", _one_of("half_even", "half_up"), "not half_even or half_up"),
        ("hub_role", _one_of("principal"), "not principal; agent is not supported yet"),
    ]


@dataclass(frozen=True)
class Agreements:
    """All agreements as columns, checked. `table`: one row an agreement, ids unique."""

    table: pa.Table

    @classmethod
    def load(cls, path: Path) -> Agreements:
        """Read agreements from a CSV or Parquet file. This checks every column.

        Raises:
            BadInput: the file cannot be read or lacks a column, or a value does not fit; the
                message names file, row, field and why.
        """
        return cls.of(read_table(path), name=path.name)

    @classmethod
    def of(cls, table: pa.Table, *, name: str = "agreements") -> Agreements:
        """Agreements from columns that are already in memory. This checks them the same way.

        Raises:
            BadInput: as `load`.
        """
        refuse_missing(table, COLUMNS, name=name)
        typed = texts_to_types(table, COLUMNS, name=name)
        _check(typed, rows=rows_of(table), name=name)
        return cls(typed)

    @cached_property
    def digest(self) -> str:
        """The sha256 of all terms. A batch remembers under which agreements it was judged."""
        return digest(self.table)

    @cached_property
    def merchants(self) -> Sequence[str]:
        """Agreement ids of merchants, in the file's order."""
        return self._of_role("merchant")

    @cached_property
    def partners(self) -> Sequence[str]:
        """Agreement ids of partners, in the file's order."""
        return self._of_role("partner")

    def _of_role(self, role: str) -> list[str]:
        ids, roles = self.column("agreement_id"), self.column("role")
        return [name for name, has in zip(ids, roles, strict=True) if has == role]

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {name: row for row, name in enumerate(self.column("agreement_id"))}

    def column(self, name: str) -> Sequence[Any]:
        """One column's values, in the file's order."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def __getitem__(self, agreement_id: str) -> Mapping[str, Any]:
        """The terms of one agreement by column name; `KeyError` if there is none."""
        row: dict[str, Any] = self.table.slice(self._rows[agreement_id], 1).to_pylist()[0]
        return row

    def __contains__(self, agreement_id: object) -> bool:
        return agreement_id in self._rows

    def of_participant(self, participant_id: str) -> Sequence[str]:
        """The agreement ids of one participant, in the file's order."""
        pairs = zip(self.column("agreement_id"), self.column("participant_id"), strict=True)
        return [agreement for agreement, owner in pairs if owner == participant_id]

    def __len__(self) -> int:
        return int(self.table.num_rows)


def _check(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    for field, holds, why in _checks():
        for row, value in zip(rows, table.column(field).to_pylist(), strict=True):
            if not holds(value):
                raise _bad(name, row=row, field=field, value=value, why=why)
    _check_unique(table, rows=rows, name=name)
    _check_beneficiaries(table, rows=rows, name=name)


def _check_unique(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    seen: set[str] = set()
    for row, value in zip(rows, table.column("agreement_id").to_pylist(), strict=True):
        if value in seen:
            raise _bad(name, row=row, field="agreement_id", value=value, why="there twice")
        seen.add(value)


def _check_beneficiaries(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    roles = table.column("role").to_pylist()
    for field in ("beneficiary_name", "beneficiary_country", "beneficiary_account"):
        values = table.column(field).to_pylist()
        for row, value, role in zip(rows, values, roles, strict=True):
            if role == "merchant" and not value:
                raise _bad(name, row=row, field=field, value=value, why="a merchant needs one")


def _bad(name: str, *, row: int, field: str, value: object, why: str) -> BadInput:
    shown = value if value is None or isinstance(value, (int, date)) else repr(value)
    return BadInput(
        f"{name}, row {row}, {field}: {shown} is refused: {why}", file=name, row=row, field=field
    )
