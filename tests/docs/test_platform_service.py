"""The platform's web service of the how-to, served over real HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from settle.simulation.rehearsal import rehearse

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "import-in-a-platform.md"
RUNNING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    found = BLOCK.findall(PAGE.read_text("utf-8"))
    return str(next(body for kind, body in found if kind == language))


def address(process: subprocess.Popen[str]) -> str:
    """Where the service says that it answers. A port chosen for it could be somebody else's."""
    assert process.stderr is not None
    for line in process.stderr:
        if (found := RUNNING.search(line)) is not None:
            return found[1]
    pytest.fail("the service did not come up")


@pytest.fixture
def service(small_night: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """The page's service, running beside simulated rails."""
    (tmp_path / "service.py").write_text(block("python"))
    with rehearse(small_night, tmp_path / "platform") as rehearsal:
        environment = {**os.environ, "SETTLE_CONFIG": str(rehearsal.config_path)}
        arguments = ["-m", "uvicorn", "service:app", "--port", "0", "--no-access-log"]
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            with httpx.Client(base_url=address(process), trust_env=False, timeout=60) as client:
                yield client
            process.terminate()


def test_the_service_of_the_page_takes_sales_and_answers(service: httpx.Client) -> None:
    """Sales go in once, a position comes out exact, a forged notification changes nothing."""
    sales = block("json")
    headers = {"content-type": "application/json"}
    first = service.post("/records", content=sales, headers=headers)
    assert first.status_code == 200
    assert first.json() == {"accepted": 1, "duplicates": 0, "quarantined": 0, "findings": []}
    again = service.post("/records", content=sales, headers=headers)
    assert again.json() == first.json()

    (position,) = service.get("/merchants/M00001/position").json()
    assert sum(line["amount_minor"] for line in position["lines"]) > 0

    wrong = sales.replace('"25.50"', "25.505").replace("S-1001", "S-1002")
    refused = service.post("/records", content=wrong, headers=headers).json()
    assert refused["quarantined"] == 1
    assert "amount" in refused["findings"][0]

    forged = service.post("/notifications/adyen_transfers", content=b"{}")
    assert forged.status_code == 401
    assert service.post("/notifications/nobody", content=b"{}").status_code == 400
