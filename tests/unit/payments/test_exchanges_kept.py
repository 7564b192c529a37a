"""Exchanges at rest: under a key, bound to their row, without credentials, and gone when erased."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Request, Response, Source, commits
from settle.errors import BadInput, ConfigError
from settle.ledger import JOURNAL, audit, seal
from settle.payments import (
    SEALED,
    Erasure,
    InlineWriter,
    erase,
    erase_old,
    record,
    rotate,
    story,
)
from settle.payments.exchanges import StoreRecorder, histories, keep_answers, keep_intents
from settle.payments.tables import erasures, exchanges, payments
from settle.store import Locked, Store, Vault

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
SOURCES = (JOURNAL, *SEALED)
OLD, NEW = "1f" * 32, "2e" * 32
SAID = [b"IBAN-of-Mo-89370400", b"answered-Mo-Berlin", b"/pay/for-Mo", b"header-of-Mo", b"date-Mo"]


def with_keys(store: Store, *keys: str) -> Store:
    return Store(store.engine, vault=Vault([partial(str, key) for key in keys]))


def say(store: Store, name: str = "c", *, subject: str | None = None) -> None:
    """One exchange, asked and answered."""
    recorder = StoreRecorder(writer=InlineWriter(store), clock=lambda: NOW, subject=subject)
    headers = {"X-Who": "header-of-Mo", "Authorization": "hunter2", "X-Api-Key": "hunter2"}
    request = Request(
        method="POST", path="/pay/for-Mo", query={"token": "hunter2"}, headers=headers,
        content=b"IBAN-of-Mo-89370400",
    )  # fmt: skip
    answer = Response(
        status=200, headers={"date": "date-Mo", "set-cookie": "hunter2"},
        content=b"answered-Mo-Berlin",
    )  # fmt: skip

    async def both() -> None:
        await recorder.intent(name, 0, commits(request))
        await recorder.answer(name, 0, answer)

    asyncio.run(both())


def stored(store: Store) -> bytes:
    """Every byte of the database: of the file and its log, or of each row of it."""
    if store.is_sqlite:
        name = str(store.engine.url.database)
        found = [Path(name), Path(f"{name}-wal")]
        return b"".join(path.read_bytes() for path in found if path.exists())
    with store.reading() as connection:
        rows = connection.execute(sa.text("select * from exchanges")).all()
    return b"".join(bytes(x) if isinstance(x, bytes) else str(x).encode() for r in rows for x in r)


def replayed(store: Store, name: str = "c") -> Response | None:
    with store.reading() as connection:
        (entry,) = histories(connection, [name])[name]
    return entry.response


def flaws(store: Store) -> Sequence[Any]:
    with store.reading() as connection:
        return audit(connection, SOURCES).flaws


def test_with_a_key_nothing_that_was_said_is_in_the_database(store: Store) -> None:
    """Bodies, headers and addresses are encrypted; a replay reads them all the same."""
    kept = with_keys(store, NEW)
    say(kept)
    assert not [part for part in SAID if part in stored(kept)]
    expected = Response(status=200, headers={"date": "date-Mo"}, content=b"answered-Mo-Berlin")
    assert expected == replayed(kept)


def test_credentials_are_stripped_before_anything_is_kept(store: Store) -> None:
    """In plain one would see them: headers of both sides, and what a query carries."""
    say(store)
    assert b"IBAN-of-Mo" in stored(store)
    assert b"hunter2" not in stored(store)


def test_what_is_kept_opens_in_its_own_row_only(store: Store) -> None:
    """Whoever swaps two answers of the same key is told."""
    kept = with_keys(store, NEW)
    say(kept, "a")
    say(kept, "b")
    with kept.transaction() as connection:
        query = sa.select(exchanges.c.answer_content).where(exchanges.c.conversation_id == "a")
        of_a = connection.execute(query).scalar_one()
        here = exchanges.c.conversation_id == "b"
        connection.execute(sa.update(exchanges).where(here).values(answer_content=of_a))
    assert replayed(kept, "a") is not None
    with pytest.raises(Locked, match="changed, or is of another row"):
        replayed(kept, "b")


def test_a_replay_without_its_key_stops(store: Store) -> None:
    """The key that is missing is named, and no answer is guessed."""
    say(with_keys(store, OLD))
    with pytest.raises(Locked, match="has no key"):
        replayed(with_keys(store, NEW))
    assert replayed(with_keys(store, NEW, OLD)) is not None


def test_rotation_leaves_nothing_under_the_old_key_or_in_plain(store: Store) -> None:
    """What was said opens with the new key alone, and a second run finds nothing to do."""
    say(store, "plain")
    say(with_keys(store, OLD), "old")
    both = with_keys(store, NEW, OLD)
    assert 4 == rotate(both)
    assert 0 == rotate(both)
    only_new = with_keys(store, NEW)
    assert replayed(only_new, "plain") == replayed(only_new, "old") is not None
    assert not [part for part in SAID if part in stored(store)]


def test_rotation_needs_a_key_to_go_over_to(store: Store) -> None:
    """It never turns what is encrypted into plain text."""
    say(with_keys(store, OLD))
    with pytest.raises(BadInput, match="names no key"):
        rotate(store)


@pytest.mark.parametrize("key", ["", "short", "zz" * 32, "ab" * 31])
def test_a_key_that_is_none_is_refused_and_never_told(store: Store, key: str) -> None:
    """The message says how to make one."""
    with pytest.raises(ConfigError, match="openssl rand -hex 32") as refused:
        say(with_keys(store, key))
    assert not key or key not in str(refused.value)


def test_the_seal_holds_over_encrypted_rotated_and_erased_exchanges(store: Store) -> None:
    """What is sealed is the digest of what was said, taken when it was written."""
    old = with_keys(store, OLD)
    say(store, "plain")
    say(old, "a")
    say(old, "b")
    assert 3 == seal(store, SOURCES, now=NOW).entries  # the sealer needs no key
    both = with_keys(store, NEW, OLD)
    assert not flaws(both)
    rotate(both)
    assert not flaws(both)
    erase_old(both, kept_for=timedelta(days=1), at=NOW + timedelta(days=9), ids=lambda: "E-1")
    with both.reading() as connection:
        found = audit(connection, SOURCES)
    assert (True, 3, 0) == (found.is_sound, found.erased, found.unread)


def test_what_was_erased_before_it_was_sealed_is_sealed_by_its_digest(store: Store) -> None:
    """An erasure does not wait for the sealer, and takes nothing from the chain."""
    say(store)
    erase_old(store, kept_for=timedelta(days=1), at=NOW + timedelta(days=9), ids=lambda: "E-1")
    seal(store, SOURCES, now=NOW)
    with store.reading() as connection:
        found = audit(connection, SOURCES)
    assert (True, 1) == (found.is_sound, found.erased)


@pytest.mark.parametrize("column", ["content", "answer_content", "key_id", "answer_key_id"])
def test_an_edit_of_what_is_encrypted_is_found(store: Store, column: str) -> None:
    """Neither other bytes nor a key that nobody knows hides it from whoever has the keys."""
    kept = with_keys(store, NEW)
    say(kept)
    seal(kept, SOURCES, now=NOW)
    other: Any = b"x" * 64 if column.endswith("content") else "no such key"
    with kept.transaction() as connection:
        connection.execute(sa.update(exchanges).values({column: other}))
    assert ["exchanges c/0/0"] == [flaw.entry for flaw in flaws(kept)]


def test_an_auditor_without_keys_is_told_what_was_not_looked_at(store: Store) -> None:
    """The chain is walked all the same."""
    say(with_keys(store, NEW))
    seal(store, SOURCES, now=NOW)
    with store.reading() as connection:
        found = audit(connection, SOURCES)
    assert (True, 1) == (found.is_sound, found.unread)


def booked(desk: Any, store: Store) -> str:
    """A payment that was sent, and is on a statement."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    payment = sending.payments[0]
    say(store, sending.conversation_id, subject=payment.payment_id)
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(worker=None))
    proof = Evidence(
        evidence_id="line", source=Source.STATEMENT, fact=Fact.BOOKED, rail="single",
        reference=payment.end_to_end_id, occurred_at=NOW, amount_minor=100, currency="EUR",
    )  # fmt: skip
    record(store, [proof], recorded_at=NOW)
    return str(payment.payment_id)


def asked(at: datetime = NOW) -> Erasure:
    return Erasure(actor="alice", reason="request of 3 March", at=at)


def test_erased_bytes_are_in_the_database_no_more(desk: Any, store: Store) -> None:
    """Neither in the file nor in its log; who asked and why is kept, and the events are."""
    payment_id = booked(desk, store)
    assert all(part in stored(store) for part in SAID)
    done = erase(store, [payment_id], asked(), scope="payment", ids=lambda: "E-1")
    assert (1, "E-1") == (done.exchanges, done.erasure_id)
    assert not [part for part in SAID if part in stored(store)]
    with store.reading() as connection:
        told = story(connection, payment_id, contents=True)
        (logged,) = connection.execute(sa.select(erasures)).mappings()
    assert any("erased, see E-1" in line.detail for line in told.lines)
    assert any("booked" in line.what for line in told.lines)
    assert ("alice", "request of 3 March", 1) == tuple(
        logged[x] for x in ("actor", "reason", "exchanges")
    )


def test_retention_takes_what_ended_long_enough_ago(desk: Any, store: Store) -> None:
    """The day counts from the last that was heard of the payment."""
    booked(desk, store)
    kept_for = timedelta(days=30)

    def after(days: int) -> int:
        at = NOW + timedelta(days=days)
        return erase_old(store, kept_for=kept_for, at=at, ids=lambda: "E-1").exchanges

    assert [0, 1, 0] == [after(29), after(31), after(32)]


def test_an_answer_that_nobody_has_heard_is_not_erased(desk: Any, store: Store) -> None:
    """It may be the acceptance of what was closed; heard, it goes like any other."""
    name = booked(desk, store)
    late = NOW + timedelta(days=9000)
    for unheard, emptied in ((True, 0), (False, 1)):
        with store.transaction() as connection:
            connection.execute(sa.update(exchanges).values(unheard=unheard))
        if unheard:
            with pytest.raises(BadInput, match="open"):
                erase(store, [name], asked(), scope="payment", ids=lambda: "E-1")
        done = erase_old(store, kept_for=timedelta(days=1), at=late, ids=lambda: "E-1")
        assert emptied == done.exchanges


def test_what_is_open_is_never_erased(desk: Any, store: Store) -> None:
    """Its exchanges are what finds it: neither age nor a request empties them."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    name = sending.payments[0].payment_id
    say(store, sending.conversation_id)
    say(store, "a find", subject=name)
    with pytest.raises(BadInput, match="open"):
        erase(store, [name], asked(), scope="payment", ids=lambda: "E-1")
    late = NOW + timedelta(days=9000)
    done = erase_old(store, kept_for=timedelta(days=1), at=late, ids=lambda: "E-1")
    assert 0 == done.exchanges
    with pytest.raises(BadInput, match="there is no payment"):
        erase(store, ["P-none"], asked(), scope="payment", ids=lambda: "E-1")


def test_the_story_opens_what_was_said_and_tells_no_secret(
    desk: Any, store: Store, states: Callable[[], dict[str, int]]
) -> None:
    """A payment's exchanges are its own, those that asked for it included."""
    kept = with_keys(store, NEW)
    payment_id = booked(desk, kept)
    say(kept, "a find", subject=payment_id)
    assert {"booked": 1} == states()
    with kept.reading() as connection:
        told = story(connection, payment_id, contents=True)
        without = story(connection, payment_id)
    said = [line for each in told.lines for line in each.contents]
    assert 2 == said.count("> IBAN-of-Mo-89370400")
    assert "< answered-Mo-Berlin" in said
    assert not [line for line in said if "hunter2" in line]
    assert not [line for each in without.lines for line in each.contents]


@pytest.mark.parametrize("count", [1, 5])
def test_of_two_answers_of_one_group_the_first_is_kept(store: Store, count: int) -> None:
    """The other one is told so, and only that one, however many come with it."""
    asked = {
        "subject": None, "step": 0, "turn": 0, "effect": "commits", "method": "POST",
        "target": "/", "fingerprint": "f", "headers": "{}", "content": b"", "intent_at": NOW,
        "sent": True,
    }  # fmt: skip
    heard = {
        "step": 0, "turn": 0, "answered_at": NOW, "status": 200, "answer_headers": "{}",
        "answer_content": b"",
    }  # fmt: skip
    names = [f"c{nth}" for nth in range(count)]
    answers = [{**heard, "conversation_id": name} for name in names]
    late = {**answers[0], "status": 500}
    with store.transaction() as connection:
        keep_intents(connection, [({**asked, "conversation_id": name}, None) for name in names])
        told = keep_answers(connection, [(row, None) for row in [*answers, late]])
        again = keep_answers(connection, [(late, None), (answers[0], None)])
        found = connection.scalars(sa.select(exchanges.c.status)).all()
    assert [True] * count + [False] == told
    assert [False, True] == again
    assert [200] * count == found
