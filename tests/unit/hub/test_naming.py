"""Who cannot pay is kept before the night does anything, until its window is closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.scenarios.clearing.test_unwinding import AT, DAY, opened, records

from settle import nightly
from settle.errors import BadInput
from settle.hub import Hub, Named, Origin

NOBODY = Named()
ONE_DAY = timedelta(days=1)
NEXT = DAY + ONE_DAY


class Dies(Exception):
    """The night ends here."""


class Steps(nightly.Silent):
    """What a night shows, a line each; it dies as a step of a title begins."""

    def __init__(self, *, dies_at: str = "") -> None:
        self.dies_at = dies_at
        self.title, self.told = "", dict[str, str]()

    def begin(self, title: str) -> None:
        self.title = title
        if title == self.dies_at:
            raise Dies

    def end(self, summary: str) -> None:
        self.told[self.title] = summary


@pytest.fixture
def hub(store_url: str, tmp_path: Path) -> Iterator[Hub]:
    """Records taken and nothing closed, on each database in turn."""
    with opened(tmp_path, store_url) as made:
        made.take(records())
        yield made


@pytest.fixture
def later(store_url: str, tmp_path: Path) -> Iterator[Hub]:
    """The same a day later."""
    with opened(tmp_path, store_url, at=AT + ONE_DAY) as made:
        made.take(records(), day=DAY)
        yield made


def kept(*names: str) -> Named:
    return Named(names=names, origin=Origin.KEPT)


def told(hub: Hub, day: date = DAY) -> str | None:
    """What a night to which nobody is named says of who failed, before it does anything."""
    steps = Steps(dies_at="Fetch statements")
    with pytest.raises(Dies):
        nightly.run(hub, day, progress=steps)
    return steps.told.get("Name who failed")


def test_a_night_run_again_closes_with_the_names_of_the_one_that_died(hub: Hub) -> None:
    """It dies before its first step of any effect; the option is given once."""
    dying = Steps(dies_at="Fetch statements")
    with pytest.raises(Dies):
        nightly.run(hub, DAY, failed=["P2"], progress=dying)
    assert {"Name who failed": "P2, named now"} == dying.told
    assert "P2, named before, and kept" == told(hub)
    assert ("P2",) == hub.close_window(DAY).failed
    assert "P2, the window is closed under them" == told(hub)


def test_a_night_of_which_nobody_was_named_says_nothing(hub: Hub) -> None:
    """No step is shown for what is not there."""
    assert told(hub) is None


def test_names_given_again_before_the_close_replace_those_that_were(hub: Hub) -> None:
    """A slip of the pen is put right by naming others, or nobody."""
    hub.name_failed(DAY, ["P1", "M1"])
    named = hub.name_failed(DAY, ["P2"])
    assert "P2, named now instead of M1, P1" == str(named)
    assert kept("P2") == hub.name_failed(DAY, [])
    assert "nobody, named now instead of P2" == str(hub.name_failed(DAY, [""]))
    assert NOBODY == hub.name_failed(DAY, [])
    assert () == hub.close_window(DAY).failed


def test_a_name_of_nobody_is_refused_and_what_was_kept_stands(hub: Hub) -> None:
    """A participant without an agreement is a mistake, found before the night begins."""
    hub.name_failed(DAY, ["P2"])
    with pytest.raises(BadInput, match="'P9' has no agreement"):
        hub.name_failed(DAY, ["P1", "P9"])
    assert kept("P2") == hub.name_failed(DAY, [])


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["P1"], "not 'P1': unwind it without them before it is final (settle failed …)"),
        (["P1", "P2"], "not 'P1': unwind it without them before it is final (settle failed …)"),
        ([""], "not nobody: that stands, and what waits for them settles in the next one"),
    ],
)
def test_a_closed_window_takes_no_other_names(hub: Hub, names: list[str], advice: str) -> None:
    """Neither more nor fewer, and the same ones as often as one likes; what to do is said."""
    hub.close_window(DAY, failed=["P2"])
    said = re.escape(f"closed already, with 'P2' as failed and {advice}")
    with pytest.raises(BadInput, match=said):
        hub.name_failed(DAY, names)
    assert ("P2",) == hub.name_failed(DAY, ["P2"]).names
    assert ("P2",) == hub.close_window(DAY).failed


def test_a_window_unwound_since_is_read_with_all_of_its_names(hub: Hub) -> None:
    """What was kept before the close is over: the closing says who had failed."""
    hub.name_failed(DAY, ["P2"])
    hub.close_window(DAY)
    hub.unwind(DAY, failed=["P1"], actor="ada", reason="insolvent, too")
    assert ("P1", "P2") == hub.name_failed(DAY, []).names
    assert ("P1", "P2") == hub.close_window(DAY).failed


@pytest.mark.parametrize("name", ["P1", "P2"])
def test_a_night_that_names_some_of_those_who_are_left_out_goes_on(hub: Hub, name: str) -> None:
    """The unit file has the name that the window closed under, and it was unwound since."""
    hub.close_window(DAY, failed=["P2"])
    hub.unwind(DAY, failed=["P1"], actor="ada", reason="insolvent, too")
    steps = Steps(dies_at="Fetch statements")
    with pytest.raises(Dies):
        nightly.run(hub, DAY, failed=[name], progress=steps)
    assert {"Name who failed": "P1, P2, the window is closed under them"} == steps.told


def test_names_for_a_night_that_never_closed_hold_for_the_next(later: Hub) -> None:
    """It died before its close; the next leaves the same out, and says so before all else."""
    dying = Steps(dies_at="Fetch statements")
    with pytest.raises(Dies):
        nightly.run(later, DAY, failed=["P2"], progress=dying)
    assert "P2, named to the night of 2024-12-18, which never closed" == told(later, NEXT)
    closing = later.close_window(NEXT)
    assert (("P2",), 3) == (closing.failed, closing.records)


def test_names_for_the_night_of_a_window_that_closed_are_over(later: Hub) -> None:
    """The next one closes with whoever is named to it."""
    later.name_failed(DAY, ["P2"])
    later.close_window(DAY)
    assert NOBODY == later.name_failed(NEXT, [])
    assert () == later.close_window(NEXT).failed


@pytest.mark.parametrize(
    ("given", "said"),
    [(["P1"], "P1, named now instead of P2"), ([""], "nobody, named now instead of P2")],
)
def test_names_given_replace_those_for_nights_that_never_closed(
    later: Hub, given: list[str], said: str
) -> None:
    """All of them, for this night and those after it."""
    later.name_failed(DAY, ["P2"])
    assert said == str(later.name_failed(NEXT, given))
    assert tuple(filter(None, given)) == later.name_failed(NEXT, []).names
    assert tuple(filter(None, given)) == later.name_failed(NEXT + ONE_DAY, []).names
    assert kept("P2") == later.name_failed(DAY, [])


def test_names_for_a_night_to_come_come_on_top_of_those_named_after(later: Hub) -> None:
    """What was named last is not replaced by what was named before it to a later night."""
    later.name_failed(DAY, ["M1"])
    later.name_failed(NEXT, ["P2"])
    later.name_failed(DAY, ["P1"])
    named = later.name_failed(NEXT, [])
    expected = "P1, P2, named to the nights of 2024-12-18 and 2024-12-19, which never closed"
    assert expected == str(named)


def test_names_for_a_window_that_was_passed_over_are_refused(later: Hub) -> None:
    """It never closes, and they would be kept for nothing."""
    later.close_window(NEXT)
    with pytest.raises(BadInput, match="2024-12-19 is closed, and windows close in order"):
        later.name_failed(DAY, ["P2"])


def test_a_blank_name_is_nobody_to_the_close_as_well(hub: Hub) -> None:
    """One meaning: it closes with nobody, and a window closed under somebody refuses it."""
    hub.name_failed(DAY, ["P2"])
    assert () == hub.close_window(DAY, failed=["", " "]).failed
    assert () == hub.close_window(DAY, failed=[""]).failed
    hub.unwind(DAY, failed=["P2"], actor="ada", reason="insolvent")
    with pytest.raises(BadInput, match="closed already, with 'P2' as failed and not nobody"):
        hub.close_window(DAY, failed=[""])


def test_a_name_of_nobody_leaves_the_night_before_going_on(later: Hub) -> None:
    """A slip of the pen begins no night, so none is over by it."""
    later.nights.begin(DAY, as_of=AT)
    for names in (["P9"], ["P2", "P9"]):
        with pytest.raises(BadInput, match="'P9' has no agreement"):
            nightly.run(later, NEXT, failed=names)
    assert DAY == later.nights.last()
    assert told(later) is None


def test_a_night_that_is_over_refuses_names(store_url: str, tmp_path: Path) -> None:
    """They would be lost, and are named to a later one."""
    with opened(tmp_path, store_url, at=AT + ONE_DAY) as hub:
        for day in (DAY, NEXT):
            hub.nights.begin(day, as_of=AT)
        with pytest.raises(BadInput, match="this one is over and takes nothing"):
            nightly.run(hub, DAY, failed=["P2"])
        with pytest.raises(BadInput, match="this one is over and takes nothing"):
            nightly.run(hub, DAY, failed=["P9"])
