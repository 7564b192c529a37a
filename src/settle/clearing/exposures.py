"""What each capped party owes already, of records that no window has settled."""

from __future__ import annotations

from pathlib import Path

from settle.clearing.records import STORED
from settle.clearing.unsettled import Unsettled
from settle.engine import Scratch, read_views


def exposures_views() -> dict[str, str]:
    """The SQL of the one step by name. This is what an auditor reads."""
    return read_views(Path(__file__).parent / "views" / "intake", ("exposures",))


def give_exposures(scratch: Scratch, unsettled: Unsettled | None) -> None:
    """Make the net debits of parties with a cap known as `exposures`; none if nothing is open."""
    if unsettled is None:
        scratch.read("accepted_open", [], columns=STORED)
    else:
        unsettled.gather(scratch)
    scratch.steps(exposures_views())
