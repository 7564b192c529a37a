"""How sure a rule is: a figure that was read is not a figure that was remembered."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Certainty(StrEnum):
    """How a rule came to be known. This goes with every rule, and with every answer."""

    SOURCED = "sourced"
    """Read in a public page or document, named in `source`."""
    INFERRED = "inferred"
    """Concluded from sourced facts; the note of the rule says how."""
    FROM_MEMORY = "from_memory"
    """Confirmed by no page: verify before money depends on it."""
    CONFLICTING = "conflicting"
    """Sources disagree; the more cautious figure is used."""


_WEAKER = tuple(Certainty)


def weakest(found: Iterable[Certainty]) -> Certainty:
    """The least sure of several. This is how sure an answer is that needs all of them."""
    return max(found, key=_WEAKER.index, default=Certainty.SOURCED)
