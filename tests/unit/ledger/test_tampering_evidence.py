"""Whoever edits, deletes or swaps what was said to us, or by us, is found; who erases it, told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.unit.payments.conftest import Desk

from settle.adapters import Adapter, Statement, StatementDocument
from settle.errors import DocumentError
from settle.hub.auditing import SOURCES
from settle.ledger import Wrong, audit, seal
from settle.payments import SEALED, keep_delivery
from settle.payments.tables import deliveries, exchanges, payments
from settle.reconciliation import keep
from settle.reconciliation.tables import statement_documents
from settle.store import Store

from .conftest import touched

AT = datetime(2024, 12, 20, 16, 30, tzinfo=UTC)


class Empty(Adapter[Any]):
    """A rail whose reports nobody can read; they are kept all the same."""

    def read_report(self, document: StatementDocument) -> Statement:
        """Nothing is in it."""
        raise DocumentError(f"nothing is in the report of {document.day}")


def document(content: bytes, *, complete: bool = True) -> StatementDocument:
    return StatementDocument(
        rail="paper", account="ACC", currency="EUR", day=date(2024, 12, 18), format="paper",
        content=content, complete=complete,
    )  # fmt: skip


def exchange(name: str, *, answered: bool) -> dict[str, Any]:
    """An exchange as it is kept, of a conversation that no payment goes on with."""
    answer = {"answered_at": AT, "status": 200, "answer_headers": "{}"}
    return {
        "conversation_id": name, "step": 1, "turn": 0, "effect": "reads", "method": "GET",
        "target": f"/find/{name}", "fingerprint": name, "headers": "{}", "intent_at": AT,
        "content": name.encode(), "sent": True,
        **dict.fromkeys(answer), "answer_content": None,
        **(answer | {"answer_content": f"answer {name}".encode()} if answered else {}),
    }  # fmt: skip


@pytest.fixture
def kept(store: Store) -> Store:
    """A store with two of everything that came in or went out, sealed, on each database."""
    for content in (b"statement one", b"statement two"):
        keep(store, document(content), adapter=Empty(None), received_at=AT)
    with store.transaction() as connection:
        for name in ("one", "two"):
            keep_delivery(
                connection, "paper", name, content=name.encode(), look_up=False, taken=True, at=AT
            )
            said = [
                exchange(f"asked-{name}", answered=True),
                exchange(f"lost-{name}", answered=False),
            ]
            for row in said:
                connection.execute(exchanges.insert(), row)
    assert 8 == seal(store, SOURCES, now=AT).entries
    assert [] == flaws(store)
    return store


def flaws(store: Store) -> list[tuple[Wrong, str]]:
    with store.reading() as connection:
        return named(connection)


def named(connection: Connection) -> list[tuple[Wrong, str]]:
    """What is wrong, and with an entry of which source."""
    found = audit(connection, SOURCES).flaws
    return sorted({(each.wrong, (each.entry or "").split()[0]) for each in found if each.entry})


def keys(connection: Connection, table: sa.Table, column: str) -> Sequence[tuple[Any, Any]]:
    key = next(iter(table.primary_key))
    content = table.c[column]
    rows = connection.execute(sa.select(key, content).where(content.is_not(None)).order_by(key))
    return [tuple(row) for row in rows]


def of(table: sa.Table, key: object, **values: Any) -> sa.Update:
    column = next(iter(table.primary_key)) if table is not deliveries else deliveries.c.delivery_id
    return sa.update(table).where(column == key).values(**values)


EDITS: dict[str, tuple[str, Callable[[], list[Any]]]] = {
    "the body of an answer": ("exchanges", lambda: [
        of(exchanges, "asked-one", answer_content=b"another answer")]),
    "the body of a request": ("exchanges", lambda: [
        of(exchanges, "asked-one", content=b"another request")]),
    "answers swapped": ("exchanges", lambda: [
        of(exchanges, "asked-one", answer_content=b"answer asked-two"),
        of(exchanges, "asked-two", answer_content=b"answer asked-one")]),
    "a request that nobody answered": ("requests", lambda: [
        of(exchanges, "lost-one", content=b"we asked otherwise")]),
    "when it was asked": ("requests", lambda: [
        of(exchanges, "lost-one", intent_at=AT + timedelta(seconds=1))]),
    "unanswered requests swapped": ("requests", lambda: [
        of(exchanges, "lost-one", content=b"lost-two", target="/find/lost-two"),
        of(exchanges, "lost-two", content=b"lost-one", target="/find/lost-one")]),
    "a notification": ("deliveries", lambda: [of(deliveries, "one", digest="0" * 64)]),
    "when it was told": ("deliveries", lambda: [
        of(deliveries, "one", received_at=AT.replace(day=1))]),
    "a statement": ("statement_documents", lambda: [
        sa.update(statement_documents).values(content=b"a statement")]),
    "whose statement it is": ("statement_documents", lambda: [
        sa.update(statement_documents).values(account="other")]),
}  # fmt: skip


DELETED: dict[str, sa.Delete] = {
    "exchanges": sa.delete(exchanges).where(exchanges.c.conversation_id == "asked-one"),
    "requests": sa.delete(exchanges).where(exchanges.c.conversation_id == "lost-one"),
    "deliveries": sa.delete(deliveries).where(deliveries.c.delivery_id == "one"),
    "statement_documents": sa.delete(statement_documents).where(
        statement_documents.c.content == b"statement one"
    ),
}


def test_an_edit_is_named(kept: Store) -> None:
    """Whatever of it is changed, by as little as there is; and nothing else is blamed."""
    for what, (source, edits) in EDITS.items():
        with touched(kept) as connection:
            for statement in edits():
                connection.execute(statement)
            assert [(Wrong.EDITED, source)] == named(connection), what


def test_what_is_deleted_is_named(kept: Store) -> None:
    """The seal knows what was there."""
    for source, statement in DELETED.items():
        with touched(kept) as connection:
            connection.execute(statement)
            assert [(Wrong.DELETED, source)] == named(connection)


def test_statements_that_change_places_are_named(kept: Store) -> None:
    """Each document is sealed under its own name, which is derived from what it said."""
    with kept.transaction() as connection:
        (one, first), (two, second) = keys(connection, statement_documents, "content")
        connection.execute(of(statement_documents, one, content=second))
        connection.execute(of(statement_documents, two, content=first))
    assert [(Wrong.EDITED, "statement_documents")] == flaws(kept)


def test_what_is_erased_is_told_and_nothing_can_be_put_in_its_place(kept: Store) -> None:
    """Bodies may go, and their digests stay: another body under the same digest is found."""
    gone = {"target": "", "headers": "", "content": b"", "answer_headers": None}
    with kept.transaction() as connection:
        connection.execute(sa.update(exchanges).values(**gone, answer_content=None))
    with kept.reading() as connection:
        found = audit(connection, SOURCES)
    assert (True, 4) == (found.is_sound, found.erased)
    with kept.transaction() as connection:
        connection.execute(of(exchanges, "lost-one", content=b"we asked something else"))
        connection.execute(of(exchanges, "asked-one", answer_content=b"no such payment"))
    assert [(Wrong.EDITED, "exchanges"), (Wrong.EDITED, "requests")] == flaws(kept)
    with kept.transaction() as connection:
        connection.execute(of(exchanges, "lost-one", content=b"lost-one"))
        connection.execute(of(exchanges, "asked-one", answer_content=b"answer asked-one"))
    assert [] == flaws(kept)


def test_a_late_answer_and_a_later_copy_are_no_edits(kept: Store) -> None:
    """An answer is sealed when it comes; the same statement, now complete, is the same document."""
    keep(kept, document(b"statement one", complete=False), adapter=Empty(None), received_at=AT)
    keep(kept, document(b"statement one"), adapter=Empty(None), received_at=AT + timedelta(days=1))
    with kept.transaction() as connection:
        late = {"answered_at": AT, "status": 200, "answer_content": b"late", "answer_headers": "{}"}
        connection.execute(of(exchanges, "lost-one", **late))
        keep_delivery(
            connection, "paper", "one", content=b"other", look_up=True, taken=False, at=AT
        )
    assert 1 == seal(kept, SOURCES, now=AT).entries
    assert [] == flaws(kept)


def test_a_request_that_may_be_asked_again_is_not_sealed(store: Store) -> None:
    """Whoever takes its payment over may ask anew at its place, until the payment has ended."""
    desk = Desk(store)
    desk.ready(desk.due)
    (sending,) = desk.claim()
    row = exchange("x", answered=False) | {"conversation_id": sending.conversation_id}
    with store.transaction() as connection:
        connection.execute(exchanges.insert(), row)
    requests = [source for source in SEALED if source.name == "requests"]
    assert 0 == seal(store, requests, now=AT).entries
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(worker=None, state="booked"))
    assert 1 == seal(store, requests, now=AT).entries
