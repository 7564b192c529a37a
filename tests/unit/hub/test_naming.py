"""Who cannot pay is kept before the night does anything, until its window is closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.scenarios.clearing.test_unwinding import AT, DAY, opened, records

from settle import nightly
from settle.errors import BadInput
from settle.hub import Hub, Named, Origin

NOBODY = Named()


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


def kept(*names: str) -> Named:
    return Named(names=names, origin=Origin.KEPT)


def told(hub: Hub) -> str | None:
    """What a night to which nobody is named says of who failed, before it does anything."""
    steps = Steps(dies_at="Fetch statements")
    with pytest.raises(Dies):
        nightly.run(hub, DAY, progress=steps)
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


@pytest.mark.parametrize("names", [["P1"], ["P1", "P2"], [""]])
def test_a_closed_window_takes_no_other_names(hub: Hub, names: list[str]) -> None:
    """Neither more nor fewer, and the same ones as often as one likes."""
    hub.close_window(DAY, failed=["P2"])
    with pytest.raises(BadInput, match=r"closed already, with 'P2' as failed and not"):
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


def test_names_are_those_of_one_night_and_no_other(hub: Hub) -> None:
    """The next one closes with whoever is named to it."""
    hub.name_failed(DAY, ["P2"])
    assert NOBODY == hub.name_failed(DAY + timedelta(days=1), [])


def test_a_night_that_is_over_refuses_names(store_url: str, tmp_path: Path) -> None:
    """They would be lost, and are named to a later one."""
    with opened(tmp_path, store_url, at=AT + timedelta(days=1)) as hub:
        for day in (DAY, DAY + timedelta(days=1)):
            hub.nights.begin(day, as_of=AT)
        with pytest.raises(BadInput, match="this one is over and takes nothing"):
            nightly.run(hub, DAY, failed=["P2"])
