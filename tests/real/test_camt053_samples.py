"""Statements that banks and other projects published, read or refused by name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from settle.adapters import Statement
from settle.errors import DocumentError
from settle.reconciliation.camt053 import read_camt053

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDERS = ("camt_genkgo", "iso20022js", "iso20022_moov", "pyiso20022")

REFUSED = {
    "camt053.v2.minimal.ultimate.xml": "a balance is not in EUR",
    "camt053.v2.minimal.xml": "a balance is not in EUR",
    "camt053.v2.with-account-name.xml": "closing balance (CLBD) are due",
    "camt053.v2.wrong.xml": "holds no statement",
    "camt053.v3.xml": "a balance is not in EUR",
    "camt053.v4.xml": "a balance is not in EUR",
    "camt053_v2_2.xml": "not whole XML: StartTag: invalid element name, line 993",
    "camt_053_us_v2_sample.xml": "entry 8: Amt: EUR in a statement of USD",
    "statement_1.xml": "closing balance (CLBD) are due",
    "camt053_001_02.xml": "entry 8: Amt: EUR in a statement of USD",
}
"""The camt.053 files that contradict themselves or lack what a statement owes, and how."""

UNSOUND = {"camt053.v2.all-balance-types.xml", "camt053_v2_1.xml"}
"""Made-up examples whose lines do not lead from their opening to their closing balance."""


def samples(kind: str) -> list[Path]:
    if not all((DATA / folder).is_dir() for folder in FOLDERS):
        pytest.skip("the shared sample statements are not on this machine")
    found = [path for folder in FOLDERS for path in sorted((DATA / folder).rglob("*.xml"))]
    return [path for path in found if re.search(kind.encode(), path.read_bytes()[:2000])]


def test_every_published_statement_is_read_or_refused_by_name() -> None:
    """Ten files of seventeen are faulty as statements, each for its own named reason."""
    read: list[list[Statement]] = []
    refused: dict[str, str] = {}
    for path in samples(r"camt\.053\.001\.\d\d"):
        try:
            read.append(read_camt053(path.read_bytes(), rail="sample"))
        except DocumentError as error:
            refused[path.name] = str(error)
    assert REFUSED.keys() == refused.keys()
    assert [name for name, why in refused.items() if REFUSED[name] not in why] == []
    statements = [statement for found in read for statement in found]
    counts = (len(read), len(statements), sum(len(s.lines) for s in statements))
    expected = (7, 20, 35)
    assert expected == counts


def test_opening_and_lines_lead_to_the_closing_balance() -> None:
    """Where a published statement is sound, the reader's figures are, to the unit."""
    differing = Counter(
        path.name
        for path in samples(r"camt\.053\.001\.\d\d")
        if path.name not in REFUSED
        for statement in read_camt053(path.read_bytes(), rail="sample")
        if statement.difference_minor != 0
    )
    published = {name for name in differing if not name.startswith("camt.053_P_CH")}
    assert published == UNSOUND
    # A template of a Swiss bank lists one credit of 1537.00 that its balance leaves out.
    assert len(differing) - len(published) == 1


def test_intraday_reports_and_notifications_are_read() -> None:
    """All published camt.052 and camt.054 are read but the one of the oldest version."""
    refused = []
    lines = 0
    for path in samples(r"camt\.05[24]\.001\.\d\d"):
        try:
            for statement in read_camt053(path.read_bytes(), rail="sample"):
                assert not statement.complete
                lines += len(statement.lines)
        except DocumentError:
            refused.append(path.name)
    assert refused == ["camt052.v1.xml"]
    assert lines > 30
