"""What screening finds of pairs of names that others have labelled, as its page says."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from settle.payments.screening import BLOCK_AT, REVIEW_AT
from settle.payments.screening.index import Index
from settle.payments.screening.names import normalised
from settle.payments.screening.scoring import score

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
BENCH = DATA / "nomenklatura_namebench"
PAIRS = BENCH / "contrib" / "name_bench" / "cases_share.csv"
CHECKS = BENCH / "contrib" / "entity_bench" / "checks.yml"
SPELLINGS = BENCH / "tests" / "fixtures" / "putin_names.txt"
OFAC = DATA / "watchman" / "sdn_head300.csv"
PAGE = ROOT / "docs" / "reference" / "screening.md"

pytestmark = pytest.mark.skipif(not PAIRS.exists(), reason="no labelled pairs on this machine")


@dataclass(frozen=True)
class Pair:
    one: str
    other: str
    is_match: bool

    @property
    def score(self) -> int:
        return score(normalised(self.one), normalised(self.other))


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    """The labelled pairs."""
    with PAIRS.open(encoding="utf-8", newline="") as file:
        return [
            Pair(row["name1"], row["name2"], row["is_match"] == "true")
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def others(pairs: list[Pair]) -> list[Pair]:
    """Pairs of the second set that are told by their names alone, and not in the first."""
    known = {frozenset((pair.one, pair.other)) for pair in pairs}
    found = [pair for pair in _checks() if frozenset((pair.one, pair.other)) not in known]
    return [Pair(*pair) for pair in dict.fromkeys((p.one, p.other, p.is_match) for p in found)]


def _checks() -> list[Pair]:
    """The checks whose query and candidate have a name and nothing else."""
    found = []
    for check in re.split(r"^  - match: ", CHECKS.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        fields = re.findall(r"^      (\w+): (.*(?:\n {8}\S.*)*)$", check, flags=re.MULTILINE)
        names = [" ".join(value.split()).strip("\"'") for field, value in fields if field == "name"]
        if len(fields) == len(names) == 2:
            found.append(Pair(names[0], names[1], check.startswith("true")))
    return found


def row(pairs: list[Pair], at: int) -> str:
    """A row of the table in the page: what a threshold finds, misses and holds for nothing."""
    held = Counter(pair.is_match for pair in pairs if pair.score >= at)
    matches = sum(pair.is_match for pair in pairs)
    recall, precision = held[True] / matches, held[True] / sum(held.values())
    told = f"{held[True]} of {matches} | {held[False]} of {len(pairs) - matches}"
    return f"| {at:,} | {told} | {recall:.3f} | {precision:.3f} |"


@pytest.mark.parametrize("at", [700_000, 750_000, REVIEW_AT, 850_000, 900_000, BLOCK_AT, 1_000_000])
def test_the_page_tells_what_each_threshold_finds(pairs: list[Pair], at: int) -> None:
    """Found, held for nothing, recall and precision, as they come out of the labelled pairs."""
    assert row(pairs, at) in PAGE.read_text("utf-8")


@pytest.mark.parametrize("at", [REVIEW_AT, BLOCK_AT])
def test_the_page_tells_what_is_found_of_pairs_nobody_tuned_by(others: list[Pair], at: int) -> None:
    """The second set had no part in the choice of rules and thresholds."""
    assert row(others, at) in PAGE.read_text("utf-8")


def test_the_labels_contradict_each_other_and_the_page_says_so(pairs: list[Pair]) -> None:
    """Two pairs are labelled both ways, so no rule that looks at names alone gets all right."""
    labels: dict[frozenset[str], set[bool]] = {}
    for pair in pairs:
        labels.setdefault(frozenset((pair.one, pair.other)), set()).add(pair.is_match)
    assert 2 == sum(len(each) == 2 for each in labels.values())
    assert f"{len(pairs)} pairs" in PAGE.read_text("utf-8")


def test_the_page_tells_how_many_spellings_of_one_name_are_found() -> None:
    """One president, in the spellings and scripts of the world."""
    spellings = SPELLINGS.read_text("utf-8").split("\n")
    index = Index([normalised("Vladimir Putin"), normalised("Vladimir Vladimirovich Putin")])
    found = index.find([normalised(name) for name in spellings if name], at_least=REVIEW_AT)
    total = len([name for name in spellings if name])
    assert f"{sum(map(bool, found))} of {total} spellings" in PAGE.read_text("utf-8")


def test_the_page_tells_how_many_strangers_a_list_holds(pairs: list[Pair]) -> None:
    """Every name of the pairs against the first 300 entries of OFAC's list."""
    with OFAC.open(encoding="utf-8", newline="") as file:
        listed = [cells[1] for cells in csv.reader(file) if len(cells) > 1]
    names = sorted({name for pair in pairs for name in (pair.one, pair.other)})
    index = Index([normalised(name) for name in listed])
    found = index.find([normalised(name) for name in names], at_least=REVIEW_AT)
    held = [name for name, matches in zip(names, found, strict=True) if matches]
    assert f"{len(held)} of {len(names)} names" in PAGE.read_text("utf-8")
