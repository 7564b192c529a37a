"""A backup of the store, put back: what it has forgotten is not paid a second time."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from settle import nightly
from settle.errors import BadInput, Restored
from settle.hub import Hub
from settle.simulation.rehearsal import Rehearsal, rehearse

FIRST, SECOND = date(2024, 12, 18), date(2024, 12, 19)


def until_release(hub: Hub) -> None:
    """A night up to the moment before it sends."""
    with hub.night(FIRST):
        hub.fetch(FIRST)
        hub.reconcile(FIRST)
        for path in hub.record_files(FIRST):
            hub.take(path, day=FIRST)
        hub.close_window(FIRST)
        hub.plan(FIRST)
        hub.release(FIRST)


def a_night_is_forgotten(rehearsal: Rehearsal, folder: Path) -> None:
    """Pay a night, and put back the store as it was before that."""
    rehearsal.begin(FIRST)
    with Hub.open(rehearsal.config_path) as hub:
        until_release(hub)
        hub.epoch.count()  # an earlier run that sent, as any store of some age has
    shutil.copyfile(folder / "settle.db", folder / "backup.db")
    with Hub.open(rehearsal.config_path) as hub:
        nightly.run(hub, FIRST)
    for leftover in folder.glob("settle.db-*"):
        leftover.unlink()
    shutil.copyfile(folder / "backup.db", folder / "settle.db")


@pytest.mark.timeout(300)
def test_a_restored_store_releases_nothing_until_a_person_has_searched(
    small_night: Path, tmp_path: Path
) -> None:
    """It learns from statements what it paid; the rest waits for somebody's word."""
    with rehearse(small_night, tmp_path) as rehearsal:
        a_night_is_forgotten(rehearsal, tmp_path)
        paid, _ = rehearsal.executed()
        assert paid > 0

        rehearsal.begin(SECOND)
        with Hub.open(rehearsal.config_path) as hub:
            night = nightly.run(hub, SECOND)
            assert any("a backup was put back" in line for line in night.findings)
            assert rehearsal.executed() == (paid, 0)
            with hub.night(SECOND), pytest.raises(Restored, match="settle resume"):
                hub.pay(SECOND)

            booked = sum(int(row["count"]) for row in states(night) if row["state"] == "booked")
            assert booked > 0, "statements brought nothing back"

            with pytest.raises(BadInput, match="settle search"):
                hub.resume(actor="alice")
            hub.search()
            assert hub.resume(actor="alice") > 0, "what goes in batches nobody can ask about"
            assert hub.resume(actor="alice", by_hand=True) == 0
        # A batch booked as one line carries no reference of ours: whoever searched holds it back.
        batch_booked = {"controls.paused_currencies": ["CHF"]}
        with Hub.open(rehearsal.config_path, overrides=batch_booked) as hub:
            again = nightly.run(hub, SECOND)
        assert not any("backup" in line for line in again.findings)
        count, twice = rehearsal.executed()
        assert count > paid
        assert twice == 0


def states(night: nightly.Night) -> list[dict[str, int | str]]:
    """Payments by state, as the report has them."""
    import json

    found: list[dict[str, int | str]] = json.loads(night.data.read_text())["payments"]["states"]
    return found
