"""The agreements: who settles in what, at which fees, with which reserve, paid where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.tabular import (
    Column,
    added,
    digest,
    distinct,
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
HUB = "hub"
"""The party that we are, where an agreement names one."""

WORDS = (HUB, "credit", "debit", "deposit")
"""What a position's part is called where it is no counterparty: no participant has such an id."""

CYCLE = re.compile(r"T[+][1-9]\d?|W[+][2-5]|M[+]([2-9]|[12]\d|30)")
"""Settlement N working days after the day, the week or the month of a record."""

RECOVERY = frozenset(("carry", "reserve carry", "collateral carry", "reserve collateral carry",
                      "collateral reserve carry"))  # fmt: skip
"""Where a negative balance is taken from, in order; what is left then is carried."""

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
    added("cycle", "text", "T+1"),
    added("netting", "text", "net"),
    added("set_off", "flag", default=False),
    added("conversion", "text", "locked"),
    added("refund_rate", "text", "request_day"),
    added("convert_per", "text", "bucket"),
    added("fx_party", "text", HUB),
    added("fee_schedule", "text"),
    added("fee_share_ppm", "whole", 0),
    added("interchange_ppm", "whole", 0),
    added("reserve_target_minor", "whole"),
    added("recovery", "text", "carry"),
    added("collateral_minor", "whole", 0),
    added("terminated_on", "day"),
)
"""In this order; the types are those of `settle.clearing.tabular`."""

Check = tuple[str, Callable[[Any], bool], str]


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def _between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _blank_or(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


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
        ("hub_role", _one_of("principal", "agent"), "not principal or agent"),
        ("cycle", _matching(CYCLE), "not T+N from 1, W+N from 2 to 5 or M+N from 2 to 30"),
        ("netting", _one_of("net", "gross", "bilateral"), "not net, gross or bilateral"),
        ("conversion", _one_of("locked", "next_day", "none"), "not locked, next_day or none"),
        ("refund_rate", _one_of("original", "request_day", "next_day"),
         "not original, request_day or next_day"),
        ("convert_per", _one_of("bucket", "record"), "not bucket or record"),
        ("fee_share_ppm", _between(0, _PPM), "not between 0 and 1000000"),
        ("interchange_ppm", _between(0, _PPM), "not between 0 and 1000000"),
        ("reserve_target_minor", _blank_or(_between(0, MINOR_MAX)), "negative or too large"),
        ("recovery", RECOVERY.__contains__, "not words of reserve, collateral, and last carry"),
        ("collateral_minor", _between(0, MINOR_MAX), "negative or too large"),
    ]  # fmt: skip


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
        coded = distinct(table, field)
        for place, value in enumerate(coded.dictionary.to_pylist()):
            if not holds(value):
                row = rows[_first(coded.indices, place)]
                raise _bad(name, row=row, field=field, value=value, why=why)
    _check_unique(table, rows=rows, name=name)
    _check_participants(table, rows=rows, name=name)
    _check_names_apart(table, rows=rows, name=name)
    _check_beneficiaries(table, rows=rows, name=name)
    _check_fx_parties(table, rows=rows, name=name)


def _first(column: Any, value: Any) -> int:
    """The first place at which a column has the value; -1 if nowhere."""
    import pyarrow.compute as pc

    place: int = pc.index(column, value).as_py()
    return place


def _check_unique(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    ids = table.column("agreement_id")
    if len(ids.unique()) == len(ids):
        return
    seen: set[str] = set()
    for row, value in zip(rows, ids.to_pylist(), strict=True):
        if value in seen:
            raise _bad(name, row=row, field="agreement_id", value=value, why="there twice")
        seen.add(value)


def _check_participants(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = table.column("participant_id")
    for bad, why in (
        (pc.is_in(ids, pa.array(WORDS)), f"{', '.join(WORDS)} are names of parts"),
        (pc.match_substring(ids, "/"), "names of journal rows are parted by /"),
    ):
        place = _first(bad, True)  # noqa: FBT003  # the value looked for
        if place >= 0:
            value = ids[place].as_py()
            raise _bad(name, row=rows[place], field="participant_id", value=value, why=why)


def _check_names_apart(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    """Journal rows are called `agreement/part/currency/…`, and each is to have its own name.

    An agreement's id may hold a `/`, as numbers of contracts do, unless it goes on from another.
    """
    import pyarrow.compute as pc

    ids = table.column("agreement_id")
    if not pc.any(pc.match_substring(ids, "/")).as_py():
        return
    known = set(ids.to_pylist())
    for row, value in zip(rows, ids.to_pylist(), strict=True):
        for shorter in known.intersection(_before_slashes(value)):
            why = f"journal rows of {shorter!r} could have its names; part them by another sign"
            raise _bad(name, row=row, field="agreement_id", value=value, why=why)


def _before_slashes(text: str) -> list[str]:
    """What stands before each `/` of a text."""
    return [text[: sign.start()] for sign in re.finditer("/", text)]


def _check_beneficiaries(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    import pyarrow.compute as pc

    merchant = pc.equal(table.column("role"), "merchant")
    for field in ("beneficiary_name", "beneficiary_country", "beneficiary_account"):
        given = pc.fill_null(pc.not_equal(table.column(field), ""), fill_value=False)
        place = _first(pc.and_not(merchant, given), True)  # noqa: FBT003  # the value looked for
        if place >= 0:
            value = table.column(field)[place].as_py()
            raise _bad(name, row=rows[place], field=field, value=value, why="a merchant needs one")


def _check_fx_parties(table: pa.Table, *, rows: Sequence[int], name: str) -> None:
    """Who bears FX results is the hub or a partner: somebody with an account here."""
    import pyarrow.compute as pc

    partners = table.filter(pc.equal(table.column("role"), "partner")).column("participant_id")
    known = {HUB, *partners.unique().to_pylist()}
    coded = distinct(table, "fx_party")
    for place, value in enumerate(coded.dictionary.to_pylist()):
        if value not in known:
            row = rows[_first(coded.indices, place)]
            raise _bad(name, row=row, field="fx_party", value=value, why="not hub or a partner")


def _bad(name: str, *, row: int, field: str, value: object, why: str) -> BadInput:
    shown = value if value is None or isinstance(value, (int, date)) else repr(value)
    return BadInput(
        f"{name}, row {row}, {field}: {shown} is refused: {why}", file=name, row=row, field=field
    )
