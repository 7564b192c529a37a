"""The views are files in the portable subset, each of them run, and the docs name each break."""

from __future__ import annotations

from pathlib import Path

import pytest

from settle.engine import violations
from settle.reconciliation.kinds import HANDLING, BreakKind
from settle.reconciliation.passes import STEPS, VIEWS
from settle.reconciliation.reasons import REASONS

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(VIEWS.glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_view_is_portable_and_says_what_it_is(path: Path) -> None:
    """Each view begins with a sentence and stays within the subset that engines share."""
    query = path.read_text(encoding="utf-8")
    assert query.startswith("-- ")
    assert not violations(query)


def test_every_view_is_run() -> None:
    """No file is left behind, and none is missing."""
    assert {"lines", "payments", *STEPS} == {path.stem for path in FILES}


def test_every_reason_of_the_views_has_a_kind_and_a_sentence() -> None:
    """The words in the SQL and in the table of reasons are the same."""
    query = (VIEWS / "unexplained.sql").read_text(encoding="utf-8")
    assert [] == [reason for reason in REASONS if f"'{reason}'" not in query]  # expected first


def test_every_kind_of_break_has_its_handling_and_its_place_in_the_docs() -> None:
    """Nobody meets a kind of break that the reference does not explain."""
    page = (ROOT / "docs" / "reference" / "breaks.md").read_text(encoding="utf-8")
    assert set(BreakKind) == set(HANDLING)
    assert not [kind for kind in BreakKind if f"`{kind.value}`" not in page]
