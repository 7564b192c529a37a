"""The committed rates are those the European Central Bank published."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT.parent / "shared" / "data" / "fx_ref" / "eurofxref-hist-to-2024.csv"


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the ECB's history is not on this machine")
def test_committed_rates_are_the_published_ones() -> None:
    """Every committed figure is, digit for digit, the reference rate of its day."""
    with PUBLISHED.open(encoding="utf-8") as file:
        history = {row["Date"]: row for row in csv.DictReader(file)}
    with (ROOT / "fixtures" / "night" / "rates.csv").open(encoding="utf-8") as file:
        committed = list(csv.DictReader(file))
    assert len(committed) == 4 * 15
    for rate in committed:
        assert history[rate["as_of"]][rate["currency"]] == rate["per_euro"], rate
