"""A world runs as a process, behind a hostile network, and remembers across a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from settle.errors import BadInput, ConfigError
from settle.simulation import RailDescription, WorldDescription, read_world, start_world
from settle.simulation.description import read_outside

MORNING = datetime(2024, 12, 18, 6, tzinfo=UTC)
NIGHT = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
FAULTS = [{"rail": "tiny", "method": "POST", "path": "/payments", "fault": "lose_answer"}]
OUTSIDE = (
    "rail,day,currency,amount_minor,reference,counterparty\n"
    "tiny,2024-12-18,EUR,500,OWN FUNDS,The Hub\n"
)


@pytest.fixture
def description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorldDescription:
    """One tiny rail that loses its first answer."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    (tmp_path / "faults.json").write_text(json.dumps(FAULTS))
    (tmp_path / "outside.csv").write_text(OUTSIDE)
    rail = RailDescription(
        simulator="tiny_rail:open_simulator", accounts={"EUR": "DE00"}, secrets={"key": "made up"}
    )
    return WorldDescription(
        memory=tmp_path / "memory",
        now=MORNING,
        rails={"tiny": rail},
        outside=tmp_path / "outside.csv",
        faults=tmp_path / "faults.json",
    )


def pay(base_url: str, reference: str) -> httpx.Response:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        return client.post("/payments", content=reference)


def test_a_world_survives_a_kill(description: WorldDescription) -> None:
    """Ground truth, clock and spent faults are the same after the process was killed."""
    with start_world(description) as world:
        assert world.clock() == MORNING
        world.set_clock(NIGHT)
        with pytest.raises(httpx.RemoteProtocolError):
            pay(world.base_urls["tiny"], "P-1")
        assert {"at": NIGHT.isoformat()} == pay(world.base_urls["tiny"], "P-1").json()
        world.kill()
    with start_world(description) as world:
        assert world.clock() == NIGHT
        assert pay(world.base_urls["tiny"], "P-2").status_code == 200
        truth, journal = world.executions(), world.journal()
    assert (truth["executed"], truth["executed_more_than_once"]) == (3, 1)
    assert [x["reference"] for x in truth["rails"]["tiny"]["executions"]] == ["P-1", "P-1", "P-2"]
    assert journal["injected"] == {"lose_answer": 1}
    assert tuple(journal["rails"]["tiny"].values()) == (1, 1, [])


def test_a_world_ends_with_its_parent_and_refuses_a_time_without_offset(
    description: WorldDescription,
) -> None:
    """When stdin closes the process ends with 0, and a naive time never becomes the clock."""
    with start_world(description) as world:
        naive = {"now": "2024-12-18"}
        refused = httpx.put(f"{world.control_url}/clock", json=naive, trust_env=False)
        assert refused.status_code == 422
        assert world.clock() == MORNING
    assert world.process.returncode == 0


def test_a_world_from_a_file_ends_on_sigterm(description: WorldDescription) -> None:
    """`python -m settle.simulation FILE` needs nobody at its stdin."""
    content = description.model_dump(mode="json") | {"memory": "memory", "faults": "faults.json"}
    path = description.memory.parent / "world.json"
    path.write_text(json.dumps(content))
    with subprocess.Popen(
        [sys.executable, "-m", "settle.simulation", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert {"rails", "control"} == set(json.loads(process.stdout.readline()))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_world_with_an_unknown_plug_in_names_the_key(
    description: WorldDescription, capfd: pytest.CaptureFixture[str]
) -> None:
    """A description that cannot be used ends the process with one line that says why."""
    rail = description.rails["tiny"].model_copy(update={"simulator": "lark"})
    with (
        pytest.raises(ConfigError),
        start_world(description.model_copy(update={"rails": {"tiny": rail}})) as world,
    ):
        raise AssertionError(world)
    assert "rails.tiny.simulator: no simulator 'lark'" in capfd.readouterr().err


def test_a_file_that_does_not_fit_names_the_key(tmp_path: Path) -> None:
    """A wrong key in a world's file is named with its file."""
    path = tmp_path / "world.toml"
    path.write_text('memory = "m"\nnow = 2024-12-18T06:00:00\n[rails]\n')
    with pytest.raises(ConfigError, match=r"world\.toml: now: "):
        read_world(path)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("tiny,2024-12-18,EUR,5.00,X,Y", "line 2: invalid literal"),
        ("tiny,18.12.2024,EUR,500,X,Y", "line 2: Invalid isoformat"),
    ],
)
def test_an_outside_line_that_does_not_fit_is_named(tmp_path: Path, row: str, named: str) -> None:
    """A line others cause is refused with its file and line."""
    path = tmp_path / "outside.csv"
    path.write_text(OUTSIDE.splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(BadInput, match=rf"outside\.csv: {named}"):
        read_outside(path)
