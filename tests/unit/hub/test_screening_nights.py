"""A night with screening lists: whoever is on one waits, the others are paid, and it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle import nightly
from settle.hub import Hub
from settle.payments.tables import payments
from settle.report import ExitCode
from settle.simulation.rehearsal import Rehearsal, rehearse

DAY = date(2024, 12, 18)
UNSENT = {"planned", "scheduled", "approved"}

pytestmark = pytest.mark.xdist_group("hub screening nights")
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def rehearsal(small_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The small night's rails, and an empty store."""
    with rehearse(small_night, tmp_path_factory.mktemp("screened")) as running:
        yield running


def run(rehearsal: Rehearsal) -> tuple[nightly.Night, list[Row]]:
    """The night with its list, and the payments after it."""
    rehearsal.begin(DAY)
    path = rehearsal.config_path.parent / "own.csv"
    with Hub.open(rehearsal.config_path, overrides={"screening.lists.own": str(path)}) as hub:
        night = nightly.run(hub, DAY)
        with hub.store.reading() as connection:
            query = sa.select(payments).order_by(payments.c.payment_id)
            return night, [dict(row) for row in connection.execute(query).mappings()]


def publish(rehearsal: Rehearsal, day: int, *names: str) -> None:
    lines = [f"# date: 2024-12-{day:02d}", "id,name"]
    lines += [f'{number},"{name}"' for number, name in enumerate(names, 1)]
    (rehearsal.config_path.parent / "own.csv").write_text("\n".join(lines) + "\n")


def test_a_night_pays_whom_the_lists_free_and_nobody_else(rehearsal: Rehearsal) -> None:
    """Without a list that can be read nothing leaves; with it, all but who is on it."""
    publish(rehearsal, 1)
    blind, rows = run(rehearsal)
    assert ExitCode.BAD_INPUT is blind.exit_code
    assert any("own.csv: has no entry" in finding for finding in blind.findings)
    assert {"planned", "approved", "scheduled"} >= {row["state"] for row in rows}
    ready = [row for row in rows if row["state"] == "approved" and row["funded"]]
    listed = ready[0]["beneficiary_name"]
    publish(rehearsal, 2, listed)
    night, rows = run(rehearsal)
    assert not any("own.csv" in finding for finding in night.findings)
    held = [row for row in rows if row["beneficiary_name"] == listed]
    assert {"approved"} == {row["state"] for row in held}
    assert all(row["funded"] for row in held)
    paid = {row["payment_id"] for row in rows if row["state"] not in UNSENT}
    names = {row["payment_id"] for row in ready if row["beneficiary_name"] != listed}
    assert len(names & paid) > len(names) // 2
    _told(night, held)
    again, after = run(rehearsal)
    assert (night.exit_code, night.lines) == (again.exit_code, again.lines)
    assert [row["state"] for row in rows] == [row["state"] for row in after]


def _told(night: nightly.Night, held: list[Row]) -> None:
    """The report names who is held and why."""
    told = json.loads(night.data.read_text("utf-8"))["payments"]["exceptions"]
    ours = {row["payment_id"] for row in held}
    reasons = {each["kind"]: each["reason"] for each in told if each["payment_id"] in ours}
    assert reasons["held"].startswith("screening: block: like ")
