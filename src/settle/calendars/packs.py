"""Rule packs: dated, versioned rows in TOML files, ours and a platform's own laid over them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, TypeVar

from settle.calendars.fields import Fields
from settle.calendars.holiday_source import listed_year
from settle.calendars.rows import HolidayList, Row
from settle.calendars.tables import read_table
from settle.errors import BadInput

R = TypeVar("R", bound=Row)


class _Source(Protocol):
    """What a pack is read from: a file of a folder, or of an installed package."""

    @property
    def name(self) -> str: ...
    def read_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One pack as it was read. This has a name and a version, which answers carry."""

    name: str
    version: str
    rows: Mapping[type[Row], tuple[Row, ...]]

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """The rows of one kind, in the order of the files."""
        return self.rows.get(kind, ())  # type: ignore[return-value]  # keyed by their own type


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RulePack:
    """Every rule there is, newest layer first. This is compared by identity: read it once."""

    layers: tuple[Layer, ...]

    @property
    def version(self) -> str:
        """Name and version of each layer, newest first: what an answer was computed with."""
        return " over ".join(f"{layer.name} {layer.version}" for layer in self.layers)

    def in_force(self, kind: type[R], day: date, *, where: Callable[[R], bool]) -> R | None:
        """The row that holds on `day`: of the newest layer that has one, the latest."""
        for layer in self.layers:
            rows = [row for row in layer.of(kind) if row.is_in_force(day) and where(row)]
            if rows:
                return max(rows, key=lambda row: row.effective_from)
        return None

    def all_of(self, kind: type[R], currency: str) -> tuple[R, ...]:
        """The rows of a currency, oldest layer first: what a later one says, stands."""
        return tuple(
            row
            for layer in reversed(self.layers)
            for row in layer.of(kind)
            if row.currency == currency
        )

    def currencies(self) -> tuple[str, ...]:
        """The currencies that have a calendar, sorted."""
        found = {row.currency for layer in self.layers for row in layer.of(HolidayList)}
        return tuple(sorted(found))


@cache
def rules() -> RulePack:
    """The pack that the library ships, read once. This is the default everywhere."""
    folder = resources.files("settle.calendars").joinpath("data")
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    return RulePack(layers=(_layer(sorted(files, key=lambda file: file.name)),))


def load_pack(path: Path, *, over: RulePack | None = None) -> RulePack:
    """Read a pack, one file or a folder of `*.toml`, and lay it over another.

    This is how a platform brings its banks' cut-offs, sudden closings, or a new currency.

    Args:
        path: the file or folder; exactly one file of it has the table `pack`.
        over: what it is laid over; ours if not given.

    Raises:
        BadInput: a file cannot be read, or a row is wrong; names file, row, field and why.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise BadInput(f"{path} has no *.toml file", file=str(path), why="is empty")
    layer = _layer(files)
    _refuse_unknown_lists(layer, file=path.name)
    return RulePack(layers=(layer, *(over or rules()).layers))


def _refuse_unknown_lists(layer: Layer, *, file: str) -> None:
    """A list that the `holidays` package lacks is found now, not on the night that needs it."""
    for number, row in enumerate(layer.of(HolidayList), start=1):
        try:
            listed_year(row, row.effective_from.year)
        except (NotImplementedError, ValueError, KeyError) as fault:
            name, why = f"holiday_list row {number}", str(fault)
            raise BadInput(
                f"{file}: {name}: country or market: {why}",
                file=file, row=name, field="country", why=why,
            ) from None  # fmt: skip


def _layer(files: Iterable[_Source]) -> Layer:
    rows: dict[type[Row], tuple[Row, ...]] = {}
    headers: list[tuple[str, str]] = []
    seen: dict[Any, str] = {}
    where = ""
    for file in files:
        where = where or file.name
        for table, content in _parsed(file).items():
            if table == "pack":
                headers.append(_header(content, file=file.name))
            else:
                kind, found = read_table(table, content, file=file.name, seen=seen)
                rows[kind] = (*rows.get(kind, ()), *found)
    if len(headers) != 1:
        raise BadInput(
            f"{where}: a pack has one table [pack], with name and version; found {len(headers)}",
            file=where, row="pack", field="pack", why=f"found {len(headers)} times",
        )  # fmt: skip
    return Layer(name=headers[0][0], version=headers[0][1], rows=rows)


def _parsed(file: _Source) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as fault:
        why = f"cannot be read: {fault.strerror}"
    except UnicodeDecodeError:
        why = "is not UTF-8"
    except (ValueError, RecursionError) as fault:  # a date there is none of, lists in lists
        why = f"is not TOML: {fault}"
    raise BadInput(f"{file.name} {why}", file=file.name, why=why)


def _header(content: Any, *, file: str) -> tuple[str, str]:
    if not isinstance(content, dict):
        raise BadInput(f"{file}: pack is not a table", file=file, row="pack", why="no table")
    fields = Fields(content, file=file, name="pack")
    header = fields.text("name"), fields.text("version")
    fields.done()
    return header
