"""What is sealed, and how a row becomes a leaf: the same bytes on every database, for good."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.store import Instant

Salts = Callable[[int], bytes]
"""Random bytes, so many. Passed in, so that a seed can replay."""

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

SALT_BYTES = 16
APART = 2
"""How many columns of a key are sealed each by itself; those after them are sealed as one."""

BETWEEN = "/"


class Contents(Protocol):
    """How a source keeps what may be erased, where that is not simply in its columns."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns that say how it is kept. They are read, and not sealed."""
        ...

    def written(self, row: Mapping[str, Any]) -> Mapping[str, str | None]:
        """The digest of each erasable column, as it was when the row was written."""
        ...

    def found(
        self, connection: Connection, row: Mapping[str, Any]
    ) -> Mapping[str, str | None] | None:
        """The digests of what is there now; None where nobody here can read it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An append-only table whose rows are sealed. This is how a room has its own table join.

    `table`: it has a primary key; a fourth column of it and any further are sealed as one with the
    third, so what stands before the last of those has no `/` in it. `recorded`: the
    column of the instant at which a row was written; `columns`: what is sealed of it, the key
    among them; `erasable`: columns of which only the digest is sealed, so that they can be
    emptied; `contents`: how these are kept, none where they stand in plain; `final`: which rows
    never change any more, all of them where it is none.
    """

    name: str
    table: sa.Table
    recorded: str
    columns: Sequence[str]
    erasable: Sequence[str] = ()
    contents: Contents | None = None
    final: sa.ColumnElement[bool] | None = None

    def __post_init__(self) -> None:
        assert self.key
        assert {*self.key, self.recorded} <= {*self.columns}, "the key and the time are sealed"
        assert all(name in self.table.c for name in (*self.columns, *self.erasable))
        assert isinstance(self.table.c[self.recorded].type, Instant)

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the primary key's columns."""
        return tuple(column.name for column in self.table.primary_key)

    @property
    def read(self) -> Sequence[str]:
        """Every column that is read, once."""
        beside = () if self.contents is None else self.contents.columns
        return tuple(dict.fromkeys((*self.columns, *self.erasable, *beside)))

    def written(self, row: Mapping[str, Any]) -> Mapping[str, str | None]:
        """The digests of what may be erased, as they are sealed."""
        if self.contents is not None:
            return self.contents.written(row)
        return {name: digest_of(row[name]) for name in self.erasable}

    def found(
        self, connection: Connection, row: Mapping[str, Any]
    ) -> Mapping[str, str | None] | None:
        """The digests of what is there now; None where nobody here can read it."""
        if self.contents is not None:
            return self.contents.found(connection, row)
        return {name: digest_of(row[name]) for name in self.erasable}

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """The key of a row as text, padded to the same length for all sources."""
        return padded(str(row[name]) for name in self.key)


Key = tuple[str, str, str]
"""The key of a row as text: up to three parts, empty where its table has fewer."""


def padded(parts: Any) -> Key:
    """A key of fewer parts with empty ones at its end, of more with the last of them as one."""
    texts = tuple(parts)
    first, second = (*texts[:APART], "")[:APART]
    return first, second, BETWEEN.join(texts[APART:])


def value_of(value: object) -> Any:
    """A value as it stands in a leaf, from what either database has of it.

    A number is a whole one, an instant is microseconds since 1970, a day its ISO text, truth is
    1 or 0. What belongs in no column stays recognisable and stops nobody: it is found and named.
    """
    match value:
        case None | str():
            return value
        case int():
            return int(value)
        case date():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return {"bytes": bytes(value).hex()}
        case other:
            return {"other": repr(other)}


def raw(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column as the driver has it, so that a value which is no such thing can still be read."""
    return sa.type_coerce(column, sa.types.NullType())


def digest_of(value: object) -> str | None:
    """The digest of bytes or text that may be erased later; none where there is nothing."""
    match value:
        case bytes() | bytearray() | memoryview():
            content = bytes(value)
        case None:
            return None
        case other:
            content = str(other).encode("utf-8", "surrogatepass")
    return sha256(content).hexdigest() if content else None


def leaf_text(
    source: str, row: Mapping[str, Any], *, salt: bytes, digests: Mapping[str, Any]
) -> str:
    """The leaf of a row, in ASCII. `row`: what is sealed of it, as `value_of` has it.

    The salt keeps whoever sees the leaf's hash in another's proof from guessing what it is of.
    """
    leaf: dict[str, Any] = {"row": dict(row), "salt": salt.hex(), "source": source}
    if digests:
        leaf["digests"] = dict(digests)
    return canonical(leaf)


def canonical(value: object) -> str:
    """JSON in one way only: keys sorted, nothing between, all of it ASCII."""
    return _JSON.encode(value)
