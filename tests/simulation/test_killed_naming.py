"""Who failed is named once: a night killed between the naming and the close has it kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.simulation.test_killed_night import DAYS, command, killed_after

from settle.clearing import stored_closing
from settle.clearing.tables import windows
from settle.hub import Hub
from settle.simulation.rehearsal import rehearse


@pytest.mark.timeout(300)
def test_a_night_killed_after_the_naming_and_run_again_without_closes_with_the_names(
    small_night: Path, tmp_path: Path
) -> None:
    """The process dies by SIGKILL in its next step; the option is not given again."""
    day = DAYS[0]
    with rehearse(small_night, tmp_path) as rehearsal:
        rehearsal.begin(day)
        with Hub.open(rehearsal.config_path) as hub:
            name = min(hub.agreements.column("participant_id"))
        assert killed_after(rehearsal, day, "Name who failed", "--failed", name)
        with Hub.open(rehearsal.config_path) as hub, hub.store.reading() as connection:
            assert 0 == connection.scalar(sa.select(sa.func.count()).select_from(windows))
        again = subprocess.run(
            command(rehearsal, day), capture_output=True, text=True, timeout=240, check=False
        )
        assert f"{name}, named before, and kept" in again.stdout, again.stderr
        with Hub.open(rehearsal.config_path) as hub, hub.store.reading() as connection:
            closing = stored_closing(connection, day)
    assert closing is not None
    assert (name,) == closing.failed
