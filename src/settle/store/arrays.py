"""Many rows in one statement of PostgreSQL: an array for each column, not a call for each row.

The driver would bind and execute row by row, and each of them wakes the server up. What is written
is the same: `INSERT … SELECT … FROM unnest(…)`, `UPDATE … FROM unnest(…)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

NAMED = re.compile(r"%\((\w+)\)s")
"""A parameter, as SQLAlchemy writes it for this driver."""

FEW = 4
"""Below so many rows, the statement of one row does as well."""

_INSERT = re.compile(r"(INSERT INTO .*?\) )VALUES \((.*?)\)( ON CONFLICT .*)?", re.DOTALL)
_UPDATE = re.compile(r"(UPDATE .*? SET .*?) WHERE (.*)", re.DOTALL)
_UPSERT = re.compile(r" ON CONFLICT \(([\w, ]+)\) DO UPDATE")
_LENGTH = re.compile(r"\(.*?\)")


@dataclass(frozen=True, slots=True)
class Arrays:
    """A statement that takes all rows as columns. `names` are those of a row's values, in order.

    `key`: the places of what finds a row. A statement writes each row of the table once, so where
    two rows are about the same one, they go one after the other.
    """

    text: str
    names: Sequence[str]
    key: Sequence[int]

    def take(self, tuples: Sequence[tuple[Any, ...]]) -> bool:
        """Whether these rows may be written by one statement, and are worth it."""
        if len(tuples) < FEW:
            return False
        return not self.key or len(set(map(itemgetter(*self.key), tuples))) == len(tuples)

    def parameters(self, tuples: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
        """The rows as columns, by name."""
        columns = map(list, zip(*tuples, strict=True))
        return dict(zip(self.names, columns, strict=True))


def in_arrays(text: str, names: Sequence[str], types: Mapping[str, str]) -> Arrays | None:
    """The statement of one row as one of many; None for what has no such form.

    `types`: of the parameters, as the database calls them.
    """
    if len(set(names)) < len(names):
        return None
    if (insert := _INSERT.fullmatch(text)) is not None:
        head, values, after = insert[1], insert[2], insert[3] or ""
        found: Sequence[str] = NAMED.findall(values)
        written = f"{head}SELECT {_given(values)} FROM {_unnested(found, types)}{after}"  # noqa: S608  # names and types of our own columns
        upserted = _UPSERT.match(after)
        key = upserted[1].split(", ") if upserted else []
    elif (update := _UPDATE.fullmatch(text)) is not None:
        head, where, found = update[1], update[2], names
        rows = _unnested(found, types)
        written, key = f"{_given(head)} FROM {rows} WHERE {_given(where)}", NAMED.findall(where)
    else:
        return None
    if list(found) != list(names):
        return None
    return Arrays(text=written, names=tuple(names), key=[names.index(name) for name in key])


def _given(text: str) -> str:
    return NAMED.sub(r"given.\1", text)


def _unnested(names: Sequence[str], types: Mapping[str, str]) -> str:
    """The rows. Types go without a length: a cast would cut what is too long, and say nothing."""
    arrays = ", ".join(f"%({name})b::{_LENGTH.sub('', types[name])}[]" for name in names)
    return f"unnest({arrays}) AS given({', '.join(names)})"
