"""Lists and thresholds, ready to screen names with. This does no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from settle.payments.screening.lists import Entry, ScreeningList
from settle.payments.screening.names import normalised
from settle.payments.screening.thresholds import Thresholds
from settle.payments.screening.verdict import Match

if TYPE_CHECKING:
    from settle.payments.screening.index import Index


@dataclass(frozen=True)
class Screener:
    """What names are screened with: lists, each by its name, and from which scores on they hold."""

    lists: Sequence[ScreeningList]
    thresholds: Thresholds = field(default_factory=Thresholds)

    @cached_property
    def version(self) -> str:
        """What all of it comes to: content and dates of the lists, thresholds, rules of scoring."""
        from settle.payments.screening.scoring import SCORING

        told = [
            sorted(self.versions.items()), self.thresholds.review_at, self.thresholds.block_at,
            SCORING,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def versions(self) -> dict[str, str]:
        """The version of each list."""
        return {each.name: each.version for each in self.lists}

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return sum(len(each.entries) for each in self.lists)

    def matches(self, names: Sequence[str]) -> dict[str, list[Match]]:
        """Of each name: the entries that it is like, the best first; each entry once."""
        asked = sorted(set(names))
        found = self._index.find(
            [normalised(name) for name in asked], at_least=self.thresholds.review_at
        )
        return {name: self._of_entries(places) for name, places in zip(asked, found, strict=True)}

    def _of_entries(self, places: Sequence[tuple[int, int]]) -> list[Match]:
        best: dict[tuple[str, str], Match] = {}
        for place, score in places:
            listed, entry, name = self._names[place]
            key = (listed.name, entry.entry_id)
            if key not in best:
                best[key] = Match(
                    list=listed.name, list_version=listed.version, entry_id=entry.entry_id,
                    entry_digest=entry.digest, name=name, score=score, kind=entry.kind,
                    country=entry.country, date_of_birth=entry.date_of_birth,
                )  # fmt: skip
        return sorted(best.values(), key=lambda each: (-each.score, each.list, each.entry_id))

    @cached_property
    def _names(self) -> list[tuple[ScreeningList, Entry, str]]:
        return [
            (listed, entry, name)
            for listed in self.lists
            for entry in listed.entries
            for name in entry.names
        ]

    @cached_property
    def _index(self) -> Index:
        from settle.payments.screening.index import Index

        return Index([normalised(name) for _, _, name in self._names])
