"""Unwinding: a closed window netted anew without who failed then, before it is final.

The window comes to what it would have, had they been named to its close: the same records, under
the terms that were kept of it. What it came to before is kept in the lake, its journal rows are
reversed by rows of their own, and its obligations give way, in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.closings import Closing, last_closed, row_of, stored_closing
from settle.clearing.computation import Computation, Terms
from settle.clearing.kept_terms import KeptTerms
from settle.clearing.lake import Draft, Lake
from settle.clearing.outcome import close_event, default_event
from settle.clearing.payouts import NobodyKnown, Payouts
from settle.clearing.rates import Rates
from settle.clearing.rewinding import rewind, stand_before
from settle.clearing.sameness import Settled
from settle.clearing.superseded import digest_of_all, draft_outcome
from settle.clearing.turn import Done, edition, in_turn
from settle.clearing.unwound import Owed, Unwound, changes, owed_by, owed_of
from settle.clearing.windows import Cutoff, window_of
from settle.engine import Engine
from settle.errors import BadInput
from settle.ledger import reverse_event
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Who is named as failed, by whom, why and when."""

    day: date
    failed: frozenset[str]
    actor: str
    reason: str
    at: datetime


def unwind(
    day: date, *, failed: Collection[str], actor: str, reason: str, at: datetime, store: Store,
    engine: Engine, lake: Path, rates: Rates, cutoff: Cutoff, payouts: Payouts | None = None,
    rehearse: bool = False,
) -> Unwound:  # fmt: skip
    """Net the closed window of `day` anew without participants that have `failed` since.

    It comes to what it would have, had they been named to its close; see there. Whoever was named
    before stays so, and to name nobody else changes nothing. `rates` are those it was closed
    under. Without `payouts`, a window is final once a payment has taken up an obligation of it.
    Nothing may plan payments meanwhile. `rehearse`: say what would become of it, and write nothing.

    Raises:
        BadInput: the window is not closed, a payment of it was released, a later one is closed,
            a record that this touches was corrected, who failed is no participant, or its terms,
            rates or files are not what they were; the message says what to do instead.
        NotConserved: the positions do not sum to zero; nothing is committed.
    """
    asked = _Asked(day=day, failed=frozenset(failed), actor=actor, reason=reason, at=at)

    def look(connection: Connection) -> _Unwind | Done[Unwound]:
        closing = _closed(connection, asked)
        if asked.failed <= set(closing.failed):
            return Done(Unwound(before=closing, closing=closing, is_done=not rehearse))
        _refuse_later(connection, closing, asked)
        return _Unwind(
            connection, closing, asked, store=store, engine=engine, lake=Lake(lake), rates=rates,
            cutoff=cutoff, payouts=payouts or NobodyKnown(),
        )  # fmt: skip

    return _rehearsed(store, look) if rehearse else in_turn(store, look)


def _rehearsed(store: Store, look: Callable[[Connection], _Unwind | Done[Unwound]]) -> Unwound:
    with store.reading() as connection:
        work = look(connection)
    if isinstance(work, Done):
        return work.value
    try:
        work.prepare()
        with store.reading() as connection:
            return work.rehearsed(connection)
    finally:
        work.discard()


class _Unwind:
    """The unwinding of one window, on one consistent view of the store."""

    def __init__(
        self, connection: Connection, closing: Closing, asked: _Asked, *, store: Store,
        engine: Engine, lake: Lake, rates: Rates, cutoff: Cutoff, payouts: Payouts,
    ) -> None:  # fmt: skip
        self._before, self._asked, self._payouts = closing, asked, payouts
        self._store, self._engine, self._lake = store, engine, lake
        self._windows = edition(connection).windows
        self._owed = owed_of(connection, closing.window_id)
        self._refuse_final(connection, locks=False)
        kept = KeptTerms.of(connection, window_id=closing.window_id, lake=lake)
        terms = Terms(
            agreements=kept.agreements, fees=kept.fees, rates=rates, cutoff=cutoff,
            failed=asked.failed | frozenset(closing.failed),
        )  # fmt: skip
        self._settled = Settled.of(connection, closing)
        self._posted_on = window_of(asked.at, cutoff)
        self._work = Computation(
            asked.day, outcome=closing.outcome + 1, terms=terms, store=store, engine=engine,
            lake=lake, stand=stand_before(connection, closing, lake=lake),
        )  # fmt: skip
        self._superseded: Sequence[Draft] = ()

    def prepare(self) -> None:
        """Net the window anew, and write its files and what it came to before as drafts."""
        self._work.prepare(inspect=self._settled.prove)
        self._settled.prove_files(self._work.batches)
        with self._store.reading() as connection, self._engine.scratch() as scratch:
            self._superseded = draft_outcome(
                scratch, connection, self._lake, window_id=self._before.window_id,
                outcome=self._before.outcome,
            )  # fmt: skip

    def bears(self, connection: Connection) -> bool:
        """Whether no window was closed or unwound meanwhile. What came meanwhile is no part."""
        return edition(connection).windows == self._windows

    def rehearsed(self, connection: Connection) -> Unwound:
        """What would become of the window."""
        self._refuse(connection, locks=False)
        return self._told(is_done=False)

    def commit(self, connection: Connection) -> Unwound:
        """Keep what stood, reverse it, and write what stands from now on."""
        self._refuse(connection, locks=True)
        for draft in self._superseded:
            draft.publish()
        self._work.publish()
        told = self._told(is_done=True)
        self._replace(connection, told.closing)
        gone = [change.obligation_id for change in told.changes if change.before_minor]
        self._payouts.withdraw(connection, gone, why=f"window {self._before.window_id} unwound")
        return told

    def discard(self) -> None:
        """Remove the drafts that were not published."""
        self._work.discard()
        for draft in self._superseded:
            draft.discard()

    def _told(self, *, is_done: bool) -> Unwound:
        return Unwound(
            before=self._before, closing=self._work.closing(self._asked.at),
            named=tuple(sorted(self._asked.failed - set(self._before.failed))),
            changes=changes(self._owed, self._owed_now()), is_done=is_done,
        )  # fmt: skip

    def _owed_now(self) -> Mapping[str, Owed]:
        return owed_by(self._work.netted, window_id=self._before.window_id)

    def _replace(self, connection: Connection, closing: Closing) -> None:
        window_id, before, asked = closing.window_id, self._before, self._asked
        taken_up = _taken_up(connection, window_id)
        rewind(connection, window_id)
        for event in (close_event(before.outcome), default_event(before.outcome)):
            reverse_event(
                connection, event=event, subject=window_id, by=f"unwind/{before.outcome}",
                posted_on=self._posted_on, recorded_at=asked.at,
            )  # fmt: skip
        table = tables.windows
        connection.execute(
            table.update().where(table.c.window_id == window_id).values(row_of(closing))
        )
        self._work.write(connection, at=asked.at, posted_on=self._posted_on)
        now = self._owed_now()
        same = {name: at for name, at in taken_up.items() if self._owed[name] == now.get(name)}
        _take_up_again(connection, same)
        row = {
            "window_id": window_id, "outcome": before.outcome, "actor": asked.actor,
            "failed": json.dumps(sorted(asked.failed)), "reason": asked.reason,
            "unwound_at": asked.at, "digest": digest_of_all(self._superseded),
        }  # fmt: skip
        connection.execute(tables.unwindings.insert(), row)

    # What is refused.

    def _refuse(self, connection: Connection, *, locks: bool) -> None:
        self._refuse_final(connection, locks=locks)
        _refuse_corrected(
            connection, self._before, self._asked, touched=self._settled.touched(self._work.netted)
        )

    def _refuse_final(self, connection: Connection, *, locks: bool) -> None:
        window_id = self._before.window_id
        paid = self._payouts.standing(connection, list(self._owed), locks=locks)
        released = {name for name, is_released in paid.items() if is_released}
        released |= _taken_up(connection, window_id).keys() - paid.keys()
        if released:
            first = min(released, key=lambda name: self._owed[name].key)
            raise BadInput(
                f"window {window_id} is final: a payment of {self._owed[first]} was released, and "
                f"{len(released) - 1} more. {_instead(self._asked)}",
                window_id=window_id, obligation_id=first,
            )  # fmt: skip


def _closed(connection: Connection, asked: _Asked) -> Closing:
    closing = stored_closing(connection, asked.day)
    if closing is None:
        raise BadInput(
            f"window {asked.day} is not closed: name who failed to its close "
            f"(settle nightly --date {asked.day} --failed NAME)",
            window_id=asked.day.isoformat(),
        )  # fmt: skip
    return closing


def _refuse_later(connection: Connection, closing: Closing, asked: _Asked) -> None:
    last = last_closed(connection)
    if last is not None and last > closing.window_id:
        raise BadInput(
            f"window {closing.window_id} cannot be unwound: {last} is closed on top of it. "
            f"{_instead(asked)}",
            window_id=closing.window_id,
        )  # fmt: skip


def _refuse_corrected(
    connection: Connection, closing: Closing, asked: _Asked, *, touched: Collection[str]
) -> None:
    """A correction took back what a record was charged; unwound, it is charged otherwise."""
    table = tables.corrections.c
    query = sa.select(table.record_id, table.agreement_id).order_by(table.record_id)
    for row in connection.execute(query.where(table.window_id == closing.window_id)):
        if row.agreement_id in touched:
            raise BadInput(
                f"window {closing.window_id} cannot be unwound: record {row.record_id!r} of "
                f"agreement {row.agreement_id!r} was corrected since. {_instead(asked)}",
                window_id=closing.window_id, record_id=row.record_id,
            )  # fmt: skip


def _instead(asked: _Asked) -> str:
    names = ", ".join(map(repr, sorted(asked.failed)))
    return f"Name {names} to the close of the next window, and correct records that may not stand"


def _taken_up(connection: Connection, window_id: str) -> Mapping[str, datetime]:
    table = tables.obligations.c
    query = sa.select(table.obligation_id, table.covered_at)
    query = query.where(table.window_id == window_id, table.covered_at.is_not(None))
    return {row[0]: row[1] for row in connection.execute(query)}


def _take_up_again(connection: Connection, taken_up: Mapping[str, datetime]) -> None:
    """Obligations that are what they were keep the payments that they have."""
    table = tables.obligations
    if taken_up:
        connection.execute(
            table.update()
            .where(table.c.obligation_id == sa.bindparam("same"))
            .values(covered_at=sa.bindparam("at")),
            [{"same": name, "at": at} for name, at in taken_up.items()],
        )
