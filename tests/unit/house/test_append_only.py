"""What is append-only is never changed: no code says so, and every posting event is documented."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

from settle.adapters import Source
from settle.payments import Event, EventKind
from settle.payments.postings import Subject, rows
from settle.payments.state import PAYEE

ROOT = Path(__file__).resolve().parents[3]
APPEND_ONLY = {"journal", "payment_events", "seal_blocks", "sealed_rows", "erasures"}
CHANGES = {"update", "delete"}
PLANTED = ("broken.py", "unguarded.py")
"""Engines with a planted defect do what none may, and are caught at it."""
AT = datetime(2024, 12, 18, tzinfo=UTC)
SUBJECT = Subject(
    payment_id="P", agreement_id="A", rail="r", account="a", currency="EUR", amount_minor=100
)


def changed(source: str) -> set[str]:
    """The append-only tables that a module updates or deletes from, by SQLAlchemy or as text."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr=verb)) if verb in CHANGES:
                named = [of, *node.args]
                found |= {each.id for each in named if isinstance(each, ast.Name)}
                found |= {each.attr for each in named if isinstance(each, ast.Attribute)}
            case ast.Constant(value=str(text)):
                pattern = r"(?:update|delete\s+from|truncate(?:\s+table)?|drop\s+table)\s+(\w+)"
                found |= set(re.findall(pattern, text, re.IGNORECASE))
    return found & APPEND_ONLY


def test_no_code_changes_what_is_append_only() -> None:
    """Corrections are new rows; only erasing empties anything, and that is no such table."""
    apart = {"migrations", *PLANTED}
    modules = [path for path in (ROOT / "src").rglob("*.py") if apart.isdisjoint(path.parts)]
    assert {} == {path.name: what for path in modules if (what := changed(path.read_text()))}


def test_the_scan_sees_whoever_does() -> None:
    """Each way of saying it."""
    for code in (
        "sa.update(journal)", "sa.delete(tables.payment_events)", "journal.update()",
        "run('DELETE FROM sealed_rows where 1')", "run('update seal_blocks set head = 1')",
    ):  # fmt: skip
        assert changed(code), code


def event(kind: EventKind, ordinal: int, *, amount_minor: int | None, code: str = "") -> Event:
    return Event(
        payment_id="P", event_id=f"{kind.value}/{ordinal}/{amount_minor}", kind=kind,
        occurred_at=AT, source=Source.STATEMENT.value, ordinal=ordinal, code=code,
        amount_minor=amount_minor,
    )  # fmt: skip


def posting_kinds() -> set[str]:
    """The kinds of event that add a row to some history of a payment, or turn one round."""
    out = event(EventKind.RELEASED, 1, amount_minor=None)
    booked = event(EventKind.BOOKED, 0, amount_minor=100)
    back = event(EventKind.RETURNED, 0, amount_minor=90)
    dead = event(EventKind.REJECTED, 0, amount_minor=None)
    found = {EventKind.RETRACTED.value}  # against the journal: `payments/reposting.py`
    for history in ([], [out], [out, booked], [out, booked, back], [out, dead]):
        for kind in EventKind:
            new = event(kind, 1, amount_minor=10 if kind is EventKind.BORNE else 100, code=PAYEE)
            if rows(SUBJECT, [*history, new]) != rows(SUBJECT, history):
                found.add(kind.value)
    return found


def test_every_kind_of_event_is_told_to_post_or_not() -> None:
    """`docs/reference/postings.md` says of each what the code does with it, and of no other."""
    page = (ROOT / "docs" / "reference" / "postings.md").read_text()
    table = page.partition("### Every event of a payment")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (posts|nothing)", table, re.MULTILINE))
    assert set(told) == {kind.value for kind in EventKind}
    assert posting_kinds() == {kind for kind, what in told.items() if what == "posts"}
