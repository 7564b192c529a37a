"""Closing a window: one transaction commits its manifest, positions, obligations and postings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.closings import Closing, last_closed, row_of, stored_closing
from settle.clearing.computation import Computation, Stand, Terms
from settle.clearing.fees import Fees
from settle.clearing.lake import Lake
from settle.clearing.rates import Rates
from settle.clearing.standing import Standing
from settle.clearing.turn import Done, edition, in_turn
from settle.clearing.unsettled import Unsettled
from settle.clearing.windows import Cutoff
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store

__all__ = ["Closing", "close", "stored_closing"]


def close(
    day: date, *, as_of: datetime, store: Store, engine: Engine, lake: Path,
    agreements: Agreements, rates: Rates, cutoff: Cutoff, fees: Fees | None = None,
    failed: Collection[str] = (),
) -> Closing:  # fmt: skip
    """Close the window of `day`: all accepted records due by it that no window has yet.

    When a record is due is its agreement's cycle. Closing a closed window gives the stored
    result. A window with nothing in it closes with zero. Windows close in order; days that were
    left out are never closed after a later one, their records are in that one as late.

    `failed`: participants that cannot pay. Where the hub is an agent, what is to or from them is
    left out and the rest is netted without; it waits for a window in which they have not failed.
    Where the hub is principal, nothing changes for anybody else, and what they owe is covered by
    their collateral, their reserve and the hub. A closed window stays as it is: to name nobody
    asks for what is stored, to name some of those it was closed under as well, and to name others
    is refused; see `settle.clearing.unwind`.

    Raises:
        BadInput: a later window is closed already, the cut-off is after `as_of`, a rate or
            agreement is missing, who failed is no participant, or the window is closed and
            not all of them were named then.
        NotConserved: the positions do not sum to zero, or what came in is not what settles or
            waits; nothing is committed.
    """
    terms = Terms(
        agreements=agreements, rates=rates, cutoff=cutoff, fees=fees or Fees.none(),
        failed=frozenset(failed),
    )  # fmt: skip

    def look(connection: Connection) -> _Close | Done[Closing]:
        if (stored := stored_closing(connection, day)) is not None:
            if terms.failed:
                refuse_other_failures(stored, terms.failed)
            return Done(stored)
        _refuse_early(day, as_of=as_of, cutoff=cutoff)
        refuse_out_of_order(connection, day)
        return _Close(
            connection, store=store, day=day, as_of=as_of, engine=engine, lake=Lake(lake),
            terms=terms,
        )  # fmt: skip

    return in_turn(store, look)


class _Close:
    """The closing of one window, on one consistent view of the store."""

    def __init__(
        self, connection: Connection, *, store: Store, day: date, as_of: datetime, engine: Engine,
        lake: Lake, terms: Terms,
    ) -> None:  # fmt: skip
        self._day, self._as_of, self._lake, self._terms = day, as_of, lake, terms
        self._windows = edition(connection).windows
        self._unsettled = Unsettled.of(connection, lake)
        self._work = Computation(
            day, outcome=1, terms=terms, store=store, engine=engine, lake=lake,
            stand=Stand(unsettled=self._unsettled, standing=Standing.of(connection)),
        )  # fmt: skip

    def prepare(self) -> None:
        """Sift and net the records, and write the window's files as drafts."""
        self._work.prepare()

    def bears(self, connection: Connection) -> bool:
        """Whether what was computed may be committed.

        Only a window closed or unwound meanwhile, or a record that was looked at withdrawn,
        forbids it: a batch that came meanwhile is late.
        """
        if edition(connection).windows != self._windows:
            return False
        now, then = Unsettled.of(connection, self._lake), self._unsettled
        came = now.fresh.keys() - then.fresh.keys()
        withdrawn = now.withdrawn.keys() - then.withdrawn.keys()
        return all(now.withdrawn[record_id] in came for record_id in withdrawn)

    def commit(self, connection: Connection) -> Closing:
        """Put the files in their places, and write all that the window decides."""
        self._work.publish()
        closing, terms = self._work.closing(self._as_of), self._terms
        under = {"agreements_digest": terms.agreements.digest, "fees_digest": terms.fees.digest}
        connection.execute(tables.windows.insert(), row_of(closing) | under)
        self._work.write(connection, at=self._as_of, posted_on=self._day)
        return closing

    def discard(self) -> None:
        """Remove the drafts that were not published."""
        self._work.discard()


def refuse_other_failures(stored: Closing, failed: Collection[str]) -> None:
    """Refuse others than a window was closed under. This is for who names them again.

    A window that is closed takes in nobody's failure by being closed, and does not seem to. To
    name some of those who are left out is no change; to name nobody at all would be one.

    Raises:
        BadInput: one of `failed` was not named then, or nobody is and somebody was.
    """
    others = sorted(set(failed) - set(stored.failed))
    if not others and (failed or not stored.failed):
        return
    raise BadInput(
        f"window {stored.window_id} is closed already, with {_named(stored.failed)} as failed and "
        f"not {_named(others)}: {_ADVICE_ON_OTHERS if others else _ADVICE_ON_NOBODY}",
        window_id=stored.window_id, field="failed",
    )  # fmt: skip


_ADVICE_ON_OTHERS = (
    "unwind it without them before it is final (settle failed …), or name them at the close of the "
    "next one"
)
_ADVICE_ON_NOBODY = (
    "that stands, and what waits for them settles in the next one to which they are not named"
)


def _named(failed: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(failed))) or "nobody"


def refuse_out_of_order(connection: Connection, day: date) -> None:
    """Refuse a window that a later one was closed before. This looks at the last closed.

    Raises:
        BadInput: names both.
    """
    last = last_closed(connection)
    if last is not None and last > day.isoformat():
        raise BadInput(
            f"window {day} cannot close: {last} is closed, and windows close in order", day=day
        )


def _refuse_early(day: date, *, as_of: datetime, cutoff: Cutoff) -> None:
    ends_at = cutoff.ends_at(day)
    if as_of < ends_at:
        raise BadInput(f"window {day} cannot close before its cut-off at {ends_at}", day=day)
