"""Net debit caps: how much a party may come to owe in a currency before its records are held."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

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

COLUMNS = (
    Column("participant_id", "text"),
    Column("currency", "text"),
    Column("cap_minor", "whole"),
)


@dataclass(frozen=True)
class Caps:
    """Caps as columns `participant_id, currency, cap_minor`, one row a party and currency.

    A party is a merchant or a partner; its net debit is what it owes of records that no window
    has settled yet. Without a row a party has no cap in that currency.
    """

    table: pa.Table

    @classmethod
    def load(cls, path: Path) -> Caps:
        """Read caps from a CSV or Parquet file. This checks every row.

        Raises:
            BadInput: the file cannot be read, or a value does not fit; names file, row, field.
        """
        return cls.of(read_table(path), name=path.name)

    @classmethod
    def of(cls, table: pa.Table, *, name: str = "caps") -> Caps:
        """Caps from columns that are already in memory. This checks them the same way."""
        refuse_missing(table, COLUMNS, name=name)
        typed = texts_to_types(table, COLUMNS, name=name)
        seen: set[tuple[str, str]] = set()
        known = frozenset(currencies())
        for row, cap in zip(rows_of(table), typed.to_pylist(), strict=True):
            key = (cap["participant_id"], cap["currency"])
            for field, is_wrong, why in (
                ("currency", cap["currency"] not in known, "not in the currency table"),
                ("cap_minor", not 0 <= cap["cap_minor"] <= MINOR_MAX, "negative or too large"),
                ("participant_id", key in seen, "there twice in this currency"),
            ):
                if is_wrong:
                    raise BadInput(
                        f"{name}, row {row}, {field}: {cap[field]!r} is refused: {why}",
                        file=name, row=row, field=field,
                    )  # fmt: skip
            seen.add(key)
        return cls(typed)

    @classmethod
    def none(cls) -> Caps:
        """No caps at all."""
        import pyarrow as pa

        text = pa.string()
        shape = {"participant_id": text, "currency": text, "cap_minor": pa.int64()}
        return cls(pa.schema(shape).empty_table())

    def __bool__(self) -> bool:
        return bool(self.table.num_rows)

    @cached_property
    def digest(self) -> str:
        """The sha256 of all caps."""
        return digest(self.table)
