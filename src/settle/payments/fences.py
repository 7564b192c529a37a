"""Names of runs that send: counted, so that a newcomer fences off whoever bore the name before.

A worker's name says whose claims may be taken over at once. Two living processes with one name,
such as a night that cron starts while the last one still runs, would both believe that they hold
the same payments. So each run takes its name with the next number (`night#0000000007`), and from
that commit on, those with lower numbers claim, send and end nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput, SettleError
from settle.payments.tables import epochs, fences
from settle.store import Store, insert_new, uuid7

MARK = "#"
"""Stands between a name and its number, and in no name that is given."""

_DIGITS = 10
_ANOTHER = sa.update(fences).values(sent=fences.c.sent + 1).returning(fences.c.sent)
_NUMBERS = sa.select(fences.c.name, fences.c.number, fences.c.taken_at)


class Fenced(SettleError):
    """A newer run bears this worker's name; this one sends nothing more. Facts: `worker`, `by`."""


def succeed(store: Store, name: str, *, now: datetime) -> str:
    """Take a worker's name with the next number. Who bears it with a lower one is fenced.

    Raises:
        BadInput: the name is empty, or contains the mark that a number follows.
    """
    if not name or MARK in name:
        raise BadInput(f"a worker's name is not empty and has no {MARK}: {name!r}", field="worker")
    here = fences.c.name == name
    with store.transaction() as connection:
        insert_new(connection, epochs, [{"one": 1, "store_id": uuid7(), "count": 0}])
        insert_new(connection, fences, [{"name": name, "number": 0, "taken_at": now}])
        counted = sa.update(fences).where(here).values(number=fences.c.number + 1, taken_at=now)
        connection.execute(counted)
        number = connection.execute(sa.select(fences.c.number).where(here)).scalar_one()
    return _numbered(name, number)


def refuse_fenced(connection: Connection, workers: Iterable[str]) -> None:
    """Refuse to go on for a worker that has a successor.

    Whoever succeeds one of these waits until the transaction ends: what it stores is in time.

    Raises:
        Fenced: one of them has.
    """
    asked = sorted(set(workers))
    found = successors(connection, asked)
    for worker in asked:
        if worker in found:
            raise found[worker]


def successors(connection: Connection, workers: Iterable[str]) -> Mapping[str, Fenced]:
    """Those of the workers that have a successor, each with the error that says which."""
    bearers = {worker: _parts(worker) for worker in set(workers)}
    names = sorted({name for name, number in bearers.values() if number})
    if not names:
        return {}
    query = _NUMBERS.where(fences.c.name.in_(names)).order_by(fences.c.name)
    last = {row.name: row for row in connection.execute(query.with_for_update(read=True))}
    return {
        worker: _fenced(worker, _numbered(name, last[name].number), last[name].taken_at)
        for worker, (name, number) in bearers.items()
        if name in last and last[name].number > number
    }


def counted(connection: Connection, workers: Iterable[str]) -> Mapping[str, int]:
    """Count that these workers are about to send, and give the counts; none of who is fenced.

    0 for a worker whose name has no number.
    """
    counts: dict[str, int] = {}
    for worker in sorted(set(workers)):
        name, number = _parts(worker)
        at = fences.c.name == name, fences.c.number == number
        count = _ANOTHER.where(*at)
        found = connection.execute(count).scalar_one_or_none() if number else 0
        if found is not None:
            counts[worker] = found
    return counts


def borne(worker: str, by: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a claim is the worker's own, or of one that bore its name before it."""
    name, number = _parts(worker)
    if not number:
        return by == worker
    start = name + MARK
    # Of one length and one beginning, names sort by their numbers, whatever the collation.
    before = sa.and_(sa.func.substr(by, 1, len(start)) == start, by <= worker)
    return sa.or_(by == name, before)


def name_of(worker: str) -> str:
    """The name without its number."""
    return _parts(worker)[0]


def number_of(worker: str) -> int:
    """The number that its name was taken with; 0 where it has none."""
    return _parts(worker)[1]


def _numbered(name: str, number: int) -> str:
    return f"{name}{MARK}{number:0{_DIGITS}}"


def _parts(worker: str) -> tuple[str, int]:
    """The name and the number; 0 where it was given without one."""
    name, mark, number = worker.rpartition(MARK)
    return (name, int(number)) if mark else (worker, 0)


def _fenced(worker: str, by: str, at: datetime) -> Fenced:
    return Fenced(
        f"{by} has succeeded {worker} at {at:%Y-%m-%d %H:%M:%S} UTC: this run sends nothing more, "
        "and what it had in flight is looked up by the other; give each worker a name of its own",
        worker=worker, by=by,
    )  # fmt: skip
