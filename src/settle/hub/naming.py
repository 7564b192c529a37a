"""Who cannot pay: named to a night, kept until a window closes, and told with where from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from settle import clearing
from settle.clearing.closing import refuse_other_failures, refuse_out_of_order
from settle.clearing.closings import last_closed
from settle.clearing.sifting import refuse_strangers

if TYPE_CHECKING:
    from settle.hub.opened import Opened


class Origin(StrEnum):
    """Where the names that are in force come from."""

    GIVEN = "named now"
    KEPT = "named before, and kept"
    CARRIED = "named to a night that never closed"
    CLOSED = "the window is closed under them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Who a window closes without, in order, and where that is from. `instead_of`: who no more.

    `nights`: those that never closed, to which the names were given. Only carried names have any.
    """

    names: tuple[str, ...] = ()
    origin: Origin = Origin.KEPT
    instead_of: tuple[str, ...] = ()
    nights: tuple[date, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether there is anything to say: somebody is named, or nobody any more."""
        return bool(self.names or self.instead_of)

    def __str__(self) -> str:
        """The names in force, from where, and what they replace. All of it can be printed."""
        told = f"{_listed(self.names) or 'nobody'}, {self._where_from()}"
        return f"{told} instead of {_listed(self.instead_of)}" if self.instead_of else told

    def _where_from(self) -> str:
        if not self.nights:
            return self.origin.value
        nights = "night" if len(self.nights) == 1 else "nights"
        days = " and ".join(night.isoformat() for night in self.nights)
        return f"named to the {nights} of {days}, which never closed"


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(_shown, names))


def _shown(name: str) -> str:
    """A name as it is, or as a literal where it would not be read as this one name."""
    is_plain = name.isprintable() and "," not in name and name == name.strip()
    return name if is_plain else repr(name)


def in_force(hub: Opened, day: date, failed: Collection[str]) -> Named:
    """Who the window of a day closes without if `failed` are given. This keeps nothing.

    Whoever is given replaces whoever was kept; a blank name stands for nobody. Given none, it is
    whoever was named since the last window that closed, up to the night of the day.

    Raises:
        BadInput: somebody has no agreement, the window is closed under others, or a later one is
            closed.
    """
    names = tuple(sorted({name for name in failed if name.strip()}))
    with hub.store.reading() as connection:
        closing = clearing.stored_closing(connection, day)
        closed_until = last_closed(connection)
        if failed and closing is None:
            refuse_out_of_order(connection, day)
    if closing is not None:
        if failed:
            refuse_other_failures(closing, names)
        return Named(names=closing.failed, origin=Origin.CLOSED)
    after = date.fromisoformat(closed_until) if closed_until else None
    kept = _kept(hub, day, after=after)
    if not failed:
        return kept
    refuse_strangers(names, hub.agreements)
    instead_of = kept.names if kept.names != names else ()
    return Named(names=names, origin=Origin.GIVEN, instead_of=instead_of)


def name_failed(hub: Opened, day: date, failed: Collection[str]) -> Named:
    """Keep who cannot pay, before anything else of a night. This gives who is `in_force` then.

    Raises:
        BadInput: somebody has no agreement, the window is closed under others, or a later one is
            closed.
    """
    named = in_force(hub, day, failed)
    if named.origin is Origin.GIVEN:
        hub.nights.name_failed(day, named.names)
    return named


def _kept(hub: Opened, day: date, *, after: date | None) -> Named:
    by_night = hub.nights.failed(day, after=after)
    names = tuple(sorted({name for named in by_night.values() for name in named}))
    if not by_night.keys() - {day}:
        return Named(names=names)
    return Named(names=names, origin=Origin.CARRIED, nights=tuple(by_night))
