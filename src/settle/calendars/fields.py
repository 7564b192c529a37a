"""Reading one row of a rule pack: each field typed, each fault named with its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, time
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from settle.calendars.day_rules import DayRule
from settle.errors import BadInput

E = TypeVar("E", bound=StrEnum)
_REQUIRED: Any = object()


class Fields:
    """The fields of one row, taken one by one. This refuses what is wrong, missing or unknown."""

    def __init__(self, row: Mapping[str, Any], *, file: str, name: str) -> None:
        self.row = row
        self.file = file
        self.name = name
        self.taken: set[str] = set()

    def refuse(self, field: str, why: str) -> NoReturn:
        """Stop with the file, the row, the field and why."""
        raise BadInput(
            f"{self.file}: {self.name}: {field} {why}",
            file=self.file, row=self.name, field=field, why=why,
        )  # fmt: skip

    def done(self) -> None:
        """Refuse fields that nobody asked for: a misspelt one would go unseen."""
        if unknown := sorted(set(self.row) - self.taken):
            self.refuse(unknown[0], "is not a field of this row")

    def text(self, field: str, default: str | None = None) -> str:
        """A text; without a default it may not be blank."""
        value = self._take(field, _REQUIRED if default is None else default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(field, f"{value!r} is not a text")
        return value

    def code(self, field: str, *, default: str | None = None, also: str = "") -> str:
        """A currency code: three capitals, or the word in `also`."""
        value = self.text(field, default)
        if value != also and not (len(value) == 3 and value.isascii() and value.isupper()):
            self.refuse(field, f"{value!r} is not an ISO 4217 code")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts; absent is empty."""
        value = self._take(field, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(field, f"{value!r} is not a list of texts")
        return tuple(value)

    def whole(self, field: str, *, within: range, default: int | None = None) -> int:
        """A whole number in a range."""
        value = self._take(field, _REQUIRED if default is None else default)
        if not isinstance(value, int) or isinstance(value, bool) or value not in within:
            self.refuse(field, f"{value!r} is not a number from {within[0]} to {within[-1]}")
        return value

    def wholes(self, field: str, *, within: range, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of whole numbers in a range."""
        value = self._take(field, list(default))
        if not isinstance(value, list) or not all(
            isinstance(item, int) and not isinstance(item, bool) and item in within
            for item in value
        ):
            self.refuse(field, f"{value!r} is not a list of numbers")
        return tuple(value)

    def flag(self, field: str) -> bool:
        """True or false; absent is false."""
        value = self._take(field, False)  # noqa: FBT003  # the default of a flag
        if not isinstance(value, bool):
            self.refuse(field, f"{value!r} is neither true nor false")
        return value

    def day(self, field: str) -> date:
        """A date, as TOML's own or as ISO text."""
        value = self._take(field)
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.refuse(field, f"{value!r} is not a date")

    def day_or_none(self, field: str) -> date | None:
        """A date, or nothing."""
        return self.day(field) if field in self.row else None

    def clock(self, field: str) -> time:
        """A local time of day such as "16:30"."""
        value = self._take(field)
        try:
            found = value if isinstance(value, time) else time.fromisoformat(value)
        except (TypeError, ValueError):
            self.refuse(field, f"{value!r} is not a time of day")
        if found.tzinfo is not None:
            self.refuse(field, f"{value!r} names a zone; the zone has a field of its own")
        return found

    def clock_or_none(self, field: str) -> time | None:
        """A local time of day, or nothing."""
        return self.clock(field) if field in self.row else None

    def zone(self, field: str = "zone") -> str:
        """The name of a time zone that this machine knows."""
        value = self.text(field)
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            self.refuse(field, f"{value!r} is not a time zone")
        return value

    def rule(self, field: str = "day") -> DayRule:
        """A rule that names days."""
        value = self._take(field)
        try:
            return DayRule(value.isoformat() if isinstance(value, date) else self.text(field))
        except ValueError as fault:
            self.refuse(field, f"{value!r} {fault}")

    def choice(self, field: str, *, of: type[E]) -> E:
        """One of an enumeration's words."""
        return of(self.word(field, among=[str(member) for member in of]))

    def word(self, field: str, *, among: Collection[str], default: str | None = None) -> str:
        """One of several words."""
        value = self.text(field, default)
        if value not in among:
            self.refuse(field, f"{value!r} is none of {', '.join(among)}")
        return value

    def _take(self, field: str, default: Any = _REQUIRED) -> Any:
        self.taken.add(field)
        value = self.row.get(field, default)
        if value is _REQUIRED:
            self.refuse(field, "is missing")
        return value
