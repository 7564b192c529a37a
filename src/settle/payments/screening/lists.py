"""A list of names to screen against, read from a CSV file. The file is hostile input.

Half a list would clear whoever stands in the other half: the first fault refuses the file.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from settle.errors import BadInput
from settle.payments.screening.names import is_comparable

BYTES_MAX = 256 * 1024 * 1024
"""The largest list there is has some tens of megabytes."""

ALIASES_MAX = 500
KINDS = ("", "person", "organisation", "vessel", "aircraft", "other")

_REQUIRED = ("id", "name")
_COLUMNS = (*_REQUIRED, "aliases", "kind", "country", "date_of_birth")
_DATE_LINE = re.compile(r"# date: (\d{4}-\d\d-\d\d)")
_COUNTRY = re.compile(r"([A-Z]{2}(;[A-Z]{2})*)?")
_BORN = re.compile(r"(\d{4}(-\d\d(-\d\d)?)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a list. `names` are its name and its aliases, in the order of the file.

    `kind`, `country` and `date_of_birth` are for the person who decides; they move no score.
    """

    entry_id: str
    names: tuple[str, ...]
    kind: str = ""
    country: str = ""
    date_of_birth: str = ""

    @property
    def digest(self) -> str:
        """The digest of all it says: a decision about it holds until this changes."""
        said = [self.entry_id, *self.names, "", self.kind, self.country, self.date_of_birth]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True)
class ScreeningList:
    """A list, its own date, and the digest of the file it was read from."""

    name: str
    published_on: date
    digest: str
    entries: Sequence[Entry]

    @cached_property
    def version(self) -> str:
        """Which list this is: its own date and the digest of its content."""
        return f"{self.published_on}/{self.digest[:16]}"

    @classmethod
    def load(cls, path: Path, *, name: str) -> ScreeningList:
        """Read a list: a first line `# date: YYYY-MM-DD`, then CSV with a header.

        Columns `id` and `name`; if need be `aliases` (apart by `;`), `kind`, `country` and
        `date_of_birth`.

        Raises:
            BadInput: the file cannot be read, or a line does not fit; names file, line and field.
        """
        content = _content(path)
        lines = [f"{line}\n" for line in _text(content, file=path.name).split("\n")]
        published_on = _published_on(lines[0], file=path.name)
        entries = tuple(_entries(lines[1:], file=path.name))
        if not entries:
            raise BadInput(f"{path.name}: has no entry; an empty list would clear everybody")
        digest = hashlib.sha256(content).hexdigest()
        return cls(name=name, published_on=published_on, digest=digest, entries=entries)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        why = f"{path}: {error.strerror}"
        raise BadInput(why, file=path.name) from None
    if len(content) > BYTES_MAX:
        raise BadInput(f"{path.name}: longer than {BYTES_MAX:,} bytes", file=path.name)
    return content


def _text(content: bytes, *, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadInput(f"{file}, line {line}: is not UTF-8", file=file, row=line) from None


def _published_on(line: str, *, file: str) -> date:
    found = _DATE_LINE.fullmatch(line.strip())
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        _refuse(file, 1, "date", "the first line gives the list's own date: # date: 2026-11-20")


def _entries(lines: Sequence[str], *, file: str) -> Iterator[Entry]:
    reader = csv.reader(lines, strict=True)
    seen: set[str] = set()
    try:
        header = _header(next(reader, []), file=file)
        for cells in reader:
            line = reader.line_num + 1
            if not cells:
                continue
            if len(cells) != len(header):
                _refuse(file, line, "columns", f"{len(cells)} cells, the header has {len(header)}")
            entry = _entry(dict(zip(header, cells, strict=True)), file=file, line=line)
            if entry.entry_id in seen:
                _refuse(file, line, "id", f"{entry.entry_id!r} is there twice")
            seen.add(entry.entry_id)
            yield entry
    except csv.Error as error:
        _refuse(file, reader.line_num + 1, "columns", f"is not CSV: {error}")


def _header(cells: Sequence[str], *, file: str) -> Sequence[str]:
    header = [cell.strip() for cell in cells]
    for missing in sorted(set(_REQUIRED) - set(header)):
        _refuse(file, 2, missing, "no such column; give " + ", ".join(_COLUMNS))
    for name in header:
        if name not in _COLUMNS or header.count(name) > 1:
            _refuse(file, 2, name, "is not a column, or is one twice; give " + ", ".join(_COLUMNS))
    return header


def _entry(cells: dict[str, str], *, file: str, line: int) -> Entry:
    for field, value in cells.items():
        if any(not (sign.isprintable() or sign in _MARKS) for sign in value):
            _refuse(file, line, field, f"{value[:80]!r} has a character that cannot be printed")
    texts = {field: value.strip() for field, value in cells.items()}
    aliases = [alias.strip() for alias in texts.get("aliases", "").split(";")]
    names = [texts["name"], *(alias for alias in aliases if alias)]
    for field, is_wrong, why in (
        ("id", not 0 < len(texts["id"]) <= 200, "is blank or too long"),
        ("aliases", len(names) > ALIASES_MAX, f"more than {ALIASES_MAX} of them"),
        ("kind", texts.get("kind", "") not in KINDS, "give one of " + ", ".join(KINDS[1:])),
        ("country", not _COUNTRY.fullmatch(texts.get("country", "")), "is not ISO 3166, as US;IR"),
        ("date_of_birth", not _BORN.fullmatch(texts.get("date_of_birth", "")), "is no date"),
    ):
        if is_wrong:
            _refuse(file, line, field, f"{texts.get(field, '')[:80]!r}: {why}")
    for field, each in zip(["name", *["aliases"] * len(names)], names, strict=False):
        if not is_comparable(each):
            _refuse(file, line, field, f"{each[:80]!r} has no letters to compare, or too many")
    return Entry(
        entry_id=texts["id"], names=tuple(dict.fromkeys(names)), kind=texts.get("kind", ""),
        country=texts.get("country", ""), date_of_birth=texts.get("date_of_birth", ""),
    )  # fmt: skip


_MARKS = frozenset("\u200c\u200d\u200e\u200f\u00a0\u00ad")
"""Signs that belong to the writing of Persian, Hindi and others, though nothing is printed."""


def _refuse(file: str, line: int, field: str, why: str) -> NoReturn:
    raise BadInput(
        f"{file}, line {line}, {field}: {why}", file=file, row=line, field=field, why=why
    )
