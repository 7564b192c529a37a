"""Who cannot pay: named to a night, kept until its window closes, and told with where from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from settle import clearing
from settle.clearing.closing import refuse_other_failures
from settle.clearing.sifting import refuse_strangers

if TYPE_CHECKING:
    from settle.hub.hub import Hub


class Origin(StrEnum):
    """Where the names that are in force come from."""

    GIVEN = "named now"
    KEPT = "named before, and kept"
    CLOSED = "the window is closed under them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Who a window closes without, in order, and where that is from. `instead_of`: who no more."""

    names: tuple[str, ...] = ()
    origin: Origin = Origin.KEPT
    instead_of: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether there is anything to say: somebody is named, or nobody any more."""
        return bool(self.names or self.instead_of)

    def __str__(self) -> str:
        """The names in force, from where, and what they replace."""
        told = f"{', '.join(self.names) or 'nobody'}, {self.origin.value}"
        return f"{told} instead of {', '.join(self.instead_of)}" if self.instead_of else told


def name_failed(hub: Hub, day: date, failed: Collection[str]) -> Named:
    """Keep who cannot pay, before anything else of a night; nobody given takes who is kept.

    Whoever is given replaces whoever was kept; a blank name stands for nobody.

    Raises:
        BadInput: somebody has no agreement, or the window is closed under others.
    """
    names = tuple(sorted({name for name in failed if name.strip()}))
    with hub.store.reading() as connection:
        closing = clearing.stored_closing(connection, day)
    kept = hub.nights.failed(day)
    if closing is not None:
        if failed:
            refuse_other_failures(closing, names)
        return Named(names=closing.failed, origin=Origin.CLOSED)
    if not failed:
        return Named(names=kept)
    refuse_strangers(names, hub.agreements)
    hub.nights.name_failed(day, names)
    instead_of = kept if kept != names else ()
    return Named(names=names, origin=Origin.GIVEN, instead_of=instead_of)


def kept_names(hub: Hub, day: date) -> Collection[str]:
    """Who was named to the night of a day whose window is open; nobody once it is closed."""
    with hub.store.reading() as connection:
        is_closed = clearing.stored_closing(connection, day) is not None
    return () if is_closed else hub.nights.failed(day)
