"""Sealing takes each row once, beside the workers, in whatever order they commit."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.size import examples

from settle.errors import BadInput, Busy, ConfigError
from settle.ledger import JOURNAL, Head, HmacSigner, Source, audit, post, seal
from settle.ledger.blocks import Header
from settle.ledger.chain import unsealed
from settle.ledger.sealer import keep
from settle.ledger.sealing import block_of
from settle.ledger.tables import journal, seal_blocks, sealed_rows
from settle.payments.tables import exchanges, payments
from settle.store import Instant, Store, exclusive

from .conftest import NOW, SIGNER, SOURCES, postings, sealed, write


def sealed_keys(store: Store) -> Sequence[str]:
    with store.reading() as connection:
        return sorted(connection.scalars(sa.select(sealed_rows.c.key)))


def test_every_row_is_in_one_block_and_a_second_sealing_finds_nothing(store: Store) -> None:
    """Journal, events and exchanges alike; what is sealed stays sealed."""
    with store.transaction() as connection:
        write(connection, 0, 20)
    first, again = sealed(store), sealed(store)
    assert (5, 34) == (first.blocks, first.entries)
    assert (0, 0) == (again.blocks, again.entries)
    assert str(first.head) == str(again.head)
    assert 34 == len(sealed_keys(store))


def test_an_empty_store_has_no_block_and_is_sound(store: Store) -> None:
    """There is nothing to chain before there is something."""
    assert sealed(store).head is None
    with store.reading() as connection:
        found = audit(connection, SOURCES, signer=SIGNER)
    assert found.is_sound
    assert (0, 0, None) == (found.blocks, found.unsealed, found.head)


def test_the_unsealed_tail_is_told_by_count_and_age(store: Store) -> None:
    """Nobody takes what no block has yet for proved."""
    with store.transaction() as connection:
        write(connection, 0, 3)
    sealed(store)
    late = NOW + timedelta(hours=1)
    with store.transaction() as connection:
        write(connection, 3, 3, at=late)
    with store.reading() as connection:
        found = audit(connection, SOURCES)
    assert found.is_sound
    words = dict.fromkeys(("confirmations", "screening_decisions", "signatures", "switches"), 0)
    evidence = {"requests": 0, "deliveries": 0}
    known = {"journal": 3, "payment_events": 1, "exchanges": 1, "erasures": 0}
    assert known | words | evidence == {name: tail.count for name, tail in found.tail.items()}
    assert late == datetime.fromtimestamp((found.unsealed_since or 0) / 1_000_000, UTC)


def filled(**values: Any) -> dict[str, Any]:
    """A payment with something in every column that needs it."""
    needed = [x for x in payments.c if not x.nullable and x.server_default is None]
    fillers: dict[str, Any] = {"VARCHAR": "", "DATE": NOW.date(), "BOOLEAN": False}
    row = {x.name: fillers.get(str(x.type).partition("(")[0], 1) for x in needed}
    return {**row, **values}


def test_an_exchange_is_sealed_once_it_was_answered(store: Store) -> None:
    """One without an answer is asked again in its place, and changes."""
    with store.transaction() as connection:
        write(connection, 0, 1)
        connection.execute(payments.insert(), filled(conversation_id="c0", state="sending"))
        connection.execute(sa.update(exchanges).values(answered_at=None))
    assert 2 == sealed(store).entries
    with store.transaction() as connection:
        connection.execute(sa.update(exchanges).values(answered_at=NOW))
    assert 1 == sealed(store).entries


def test_an_exchange_is_sealed_once_nobody_holds_its_payment(store: Store) -> None:
    """Whoever takes over from a dead worker may ask again in the same place."""
    with store.transaction() as connection:
        write(connection, 0, 1)
        connection.execute(payments.insert(), filled(conversation_id="c0", worker="w"))
    assert 2 == sealed(store).entries
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(worker=None))
    assert 1 == sealed(store).entries


def test_what_commits_late_is_sealed_by_the_next_one(store: Store) -> None:
    """A transaction that began before a sealing and committed after it slips behind nothing."""
    if store.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with store.transaction() as late:
        post(late, postings(0, 3), recorded_at=NOW)
        with store.transaction() as early:
            post(early, postings(3, 3), recorded_at=NOW + timedelta(days=1))
        assert 3 == sealed(store).entries
    assert 3 == sealed(store).entries
    with store.reading() as connection:
        assert audit(connection, SOURCES).is_sound


def started(works: Sequence[Callable[[], None]], errors: list[Exception]) -> list[threading.Thread]:
    """A thread for each; what they raise is told by the test's own."""

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    return threads


def test_workers_write_while_blocks_are_sealed(store: Store) -> None:
    """Four writers and two sealers at once: each row in one block, none in two, none missed."""
    errors: list[Exception] = []
    done = threading.Event()

    def writing(worker: int) -> None:
        for turn in range(10):
            with store.transaction() as connection:
                post(connection, postings(worker * 1000 + turn * 5, 5), recorded_at=NOW)
                time.sleep(random.Random(worker * 100 + turn).random() / 100)

    def sealing(seed: int) -> None:
        while not done.is_set():
            with contextlib.suppress(Busy):
                sealed(store, seed=seed)

    sealers = started([partial(sealing, seed) for seed in range(2)], errors)
    for thread in started([partial(writing, worker) for worker in range(4)], errors):
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    assert [] == errors
    sealed(store)
    with store.reading() as connection:
        found = audit(connection, SOURCES)
        names = sorted(connection.scalars(sa.select(journal.c.entry_id)))
    assert found.is_sound
    assert (200, 0) == (found.entries, found.unsealed)
    assert names == list(sealed_keys(store))


def test_only_one_process_seals_a_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second sealer is told so, and does not chain to the same block."""
    monkeypatch.setattr("settle.ledger.sealer.exclusive", partial(exclusive, patience_s=0.0))
    with exclusive(store, "sealing"), pytest.raises(Busy, match="sealing"):
        sealed(store)


def test_two_sealers_that_both_believe_to_be_alone_make_one_block(store: Store) -> None:
    """A lock whose session was lost holds nobody off; the number of a block does."""
    with store.transaction() as connection:
        write(connection, 0, 6)

    def meanwhile(count: int) -> bytes:
        with store.reading() as connection:
            rows = list(unsealed(connection, JOURNAL))
        found = [(JOURNAL, row) for row in rows]
        other = block_of(found, after=None, sealed_at=0, signer=None, salts=bytes)
        with store.transaction() as connection:
            keep(connection, other)
        return bytes(count)

    with pytest.raises(Busy, match="another sealing"):
        seal(store, SOURCES, now=NOW, salts=meanwhile)
    assert 4 == sealed(store).entries
    with store.reading() as connection:
        assert audit(connection, SOURCES).is_sound


def test_a_signed_chain_does_not_go_on_without_its_key(chain: Store) -> None:
    """Taking the setting away is no way to have what follows unsigned."""
    with chain.transaction() as connection:
        write(connection, 900, 1)
    with pytest.raises(ConfigError, match="nothing is sealed without it"):
        sealed(chain)
    assert 3 == sealed(chain, signer=HmacSigner(b"another key, and as long as need be")).entries


def test_any_append_only_table_joins_by_its_source(store: Store) -> None:
    """A room's table, or a platform's own: what was touched in it is named like the rest."""
    decisions = sa.Table(
        "decisions", sa.MetaData(), sa.Column("name", sa.String, primary_key=True),
        sa.Column("at", Instant, nullable=False), sa.Column("what", sa.String),
    )  # fmt: skip
    joined = Source(
        name="decisions", table=decisions, recorded="at", columns=("name", "at", "what")
    )
    with store.transaction() as connection:
        decisions.create(connection)
        connection.execute(decisions.insert(), {"name": "d/1", "at": NOW, "what": "ja — è vero"})
        post(connection, postings(0, 2), recorded_at=NOW)
    assert 3 == seal(store, [*SOURCES, joined], now=NOW).entries
    with store.transaction() as connection:
        assert audit(connection, [*SOURCES, joined]).is_sound
        assert ["unknown"] == [flaw.wrong for flaw in audit(connection, SOURCES).flaws]
        connection.execute(sa.update(decisions).values(what="nein"))
        (flaw,) = audit(connection, [*SOURCES, joined]).flaws
    assert (1, "decisions d/1", "edited") == (flaw.block, flaw.entry, flaw.wrong)


KILLED = """
import sys
from datetime import UTC, datetime
from settle.ledger import JOURNAL, seal
from settle.store import Store
store = Store.open(sys.argv[1])
print("sealing", flush=True)
seal(store, [JOURNAL], now=datetime(2024, 12, 18, tzinfo=UTC), entries_max=5)
"""


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
def test_a_sealing_that_is_killed_leaves_whole_blocks(
    store: Store, store_url: str, after_s: float
) -> None:
    """Kill -9 in the middle; what stands is sound, and the next sealing goes on after it."""
    with store.transaction() as connection:
        post(connection, postings(0, 600), recorded_at=NOW)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, store_url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with store.reading() as connection:
        found = audit(connection, SOURCES)
    assert found.is_sound
    assert (600, 0) == (found.entries + found.unsealed, found.entries % 5)
    sealed(store)
    with store.reading() as connection:
        found = audit(connection, SOURCES)
    assert found.is_sound
    assert (600, 0) == (found.entries, found.unsealed)


def test_sealing_is_set_based(store: Store) -> None:
    """Ten times the rows take no statement more: a source has one of its own, and no row has."""
    counts = []
    for first, count in ((0, 200), (1000, 2000)):
        with store.transaction() as connection:
            post(connection, postings(first, count), recorded_at=NOW)
        statements: list[str] = []

        def seen(
            _c: Any, _x: Any, statement: str, *_rest: Any, into: list[str] = statements
        ) -> None:
            into.append(statement)

        sa.event.listen(store.engine, "before_cursor_execute", seen)
        seal(store, SOURCES, now=NOW)
        sa.event.remove(store.engine, "before_cursor_execute", seen)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= len(SOURCES) + 5


@pytest.mark.soak
def test_a_hundred_thousand_rows_are_sealed_and_sound(store: Store) -> None:
    """In ten blocks, a few statements each; in the gate, a tenth of it."""
    count = examples(10_000, full=100_000)
    with store.transaction() as connection:
        post(connection, postings(0, count), recorded_at=NOW)
    done = seal(store, SOURCES, now=NOW, signer=SIGNER)
    assert (count // 10_000, count) == (done.blocks, done.entries)
    with store.reading() as connection:
        assert audit(connection, SOURCES, signer=SIGNER).is_sound


def test_a_block_says_what_it_is_made_of(store: Store) -> None:
    """Whoever reads a header knows how many, of what, from when, and which columns they hash."""
    with store.transaction() as connection:
        write(connection, 0, 3)
    sealed(store)
    with store.reading() as connection:
        header = Header.read(connection.scalar(sa.select(seal_blocks.c.header)) or "")
    assert header is not None
    assert (1, 5, None) == (header.block, header.count, header.signer)
    assert {"journal": 3, "payment_events": 1, "exchanges": 1} == {
        name: share.count for name, share in header.sources.items()
    }
    assert tuple(JOURNAL.columns) == header.sources["journal"].columns
    assert header.sources["journal"].first == header.sources["journal"].last
    assert set(journal.c.keys()) == set(JOURNAL.columns)


def test_the_same_salts_give_the_same_head(store: Store) -> None:
    """Chance is an argument: a seed replays the bytes of every block."""
    heads: list[str] = []
    for _ in range(2):
        with store.transaction() as connection:
            for table in (sealed_rows, seal_blocks):
                connection.execute(sa.delete(table))
            post(connection, postings(0, 9), recorded_at=NOW)
        heads.append(str(sealed(store, seed=7).head))
    assert heads[0] == heads[1]


def test_a_key_stays_with_its_signer(chain: Store) -> None:
    """Not in its repr, not in a pickle, and not in the store."""
    key = b"a key of thirty-two bytes or more"
    assert key.decode() not in repr(SIGNER)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(SIGNER)
    with chain.reading() as connection:
        stored = str(connection.execute(sa.select(seal_blocks)).all())
    assert key.decode() not in stored
    assert key.hex() not in stored
    with pytest.raises(ConfigError, match=r"audit\.key"):
        HmacSigner(b"short")


def test_signatures_are_checked_with_a_key_and_counted_without(chain: Store) -> None:
    """Without the key nothing is said of them; with another one, that it is not this one's."""
    with chain.reading() as connection:
        without = audit(connection, SOURCES)
        other = audit(connection, SOURCES, signer=HmacSigner(b"x" * 32))
    assert without.is_sound
    assert (6, False) == (without.signed, without.checked)
    assert ["unsigned"] == [flaw.wrong for flaw in other.flaws]


def test_a_head_is_read_from_its_file_and_from_its_short_form() -> None:
    """What an auditor has kept is a file, or a line of a log."""
    head = Head(block=3, head="ab" * 32, signer="s", signature="t")
    assert head == Head.read(json.dumps(head.as_json()), file="head.json")
    assert Head(block=3, head="ab" * 32) == Head.read(f"{head}\n", file="log")
    for bad in ("", "3", "x:y", "{}", "[]", '{"block": "3", "head": "z"}', "3:" + "z" * 64):
        with pytest.raises(BadInput, match=r"head\.json"):
            Head.read(bad, file="head.json")
