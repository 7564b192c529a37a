"""What a rail tells us unasked, once its signature has been verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settle.adapters.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """An authentic delivery, translated. `find_first` names references that only trigger `find`.

    A notification that something failed is never proof that it was not executed: it stands in
    `find_first`, not in `evidence`.
    """

    delivery_id: str
    evidence: Sequence[Evidence] = ()
    find_first: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """A delivery whose signature does not verify, or is missing. This changes nothing."""

    reason: str
