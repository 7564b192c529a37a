"""Which lists are in force: one version for each tenant, and never one that was superseded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.screening.screener import Screener
from settle.payments.screening.tables import screening_versions
from settle.store import Store, insert_new

_AHEAD_MAX = timedelta(days=2)
"""How far ahead a list may be dated: a slip of the pen would shut out every list after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The lists that payments are held against just now. `lists`: the version of each, by name."""

    version: str
    lists: Mapping[str, str]
    entries: int
    review_at: int
    block_at: int
    adopted_at: datetime


def in_force(connection: Connection, *, tenant: str) -> InForce | None:
    """The lists in force for a tenant; None: nobody is screened."""
    found = fetch(connection, _standing(tenant))
    return _in_force(found[0]) if found else None


def adopt(store: Store, screener: Screener, *, tenant: str, now: datetime) -> bool:
    """Put lists in force, and say whether they are new. From then on older screenings free nobody.

    Raises:
        BadInput: a list is older than the one in force or dated ahead of its time, or it was in
            force before and another has followed: an old copy is never taken for a new list.
    """
    with store.transaction() as connection:
        standing = fetch(connection, _standing(tenant).with_for_update())
        if standing and standing[0]["version"] == screener.version:
            return False
        _refuse(connection, screener, standing, tenant=tenant, now=now)
        ours = sa.and_(
            screening_versions.c.tenant == tenant, screening_versions.c.superseded_at.is_(None)
        )
        connection.execute(sa.update(screening_versions).where(ours).values(superseded_at=now))
        # Where two adopt the very first lists at once, one of them finds the other's in force.
        is_new = bool(insert_new(connection, screening_versions, [_row(screener, tenant, now)]))
        if in_force(connection, tenant=tenant) is None:
            raise BadInput(
                "screening: these lists and thresholds were put in force at this very instant "
                "before, and replaced; run it again",
                field="screening.lists",
            )
        return is_new


def end(store: Store, *, tenant: str, actor: str, reason: str, now: datetime) -> None:
    """Screen no more, on the word of a person. Whoever was held is free of it.

    Raises:
        BadInput: no lists are in force.
    """
    ours = sa.and_(
        screening_versions.c.tenant == tenant, screening_versions.c.superseded_at.is_(None)
    )
    with store.transaction() as connection:
        ended = connection.execute(
            sa.update(screening_versions)
            .where(ours)
            .values(superseded_at=now, ended_by=actor, ended_why=reason)
        )
        if not ended.rowcount:
            raise BadInput("no screening lists are in force", field="screening")


def _standing(tenant: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(screening_versions).where(
        screening_versions.c.tenant == tenant, screening_versions.c.superseded_at.is_(None)
    )


def _row(screener: Screener, tenant: str, now: datetime) -> Row:
    return {
        "tenant": tenant, "version": screener.version,
        "lists": json.dumps(screener.versions, sort_keys=True), "entries": screener.entries,
        "review_at": screener.thresholds.review_at, "block_at": screener.thresholds.block_at,
        "adopted_at": now, "superseded_at": None,
    }  # fmt: skip


def _in_force(row: Row) -> InForce:
    return InForce(
        version=row["version"], lists=json.loads(row["lists"]), entries=row["entries"],
        review_at=row["review_at"], block_at=row["block_at"], adopted_at=row["adopted_at"],
    )  # fmt: skip


def _refuse(
    connection: Connection,
    screener: Screener,
    standing: Sequence[Row],
    *,
    tenant: str,
    now: datetime,
) -> None:
    latest = (now + _AHEAD_MAX).date()
    known = _in_force(standing[0]).lists if standing else {}
    before = _before(connection, tenant)
    for name, version in screener.versions.items():
        held, published = known.get(name, ""), version[:10]
        if published > latest.isoformat():
            _stop(name, version, f"is dated ahead of {now.date()}")
        if published < held[:10]:
            _stop(name, version, f"is older than the one in force, {held}")
        if held != version and version in before.get(name, ()):
            _stop(name, version, "was in force before; to go back to it, give it a new date")


def _before(connection: Connection, tenant: str) -> dict[str, set[str]]:
    """All versions of each list that were ever in force."""
    query = sa.select(screening_versions.c.lists).where(screening_versions.c.tenant == tenant)
    found: dict[str, set[str]] = {}
    for text in connection.scalars(query):
        for name, version in json.loads(text).items():
            found.setdefault(name, set()).add(version)
    return found


def _stop(name: str, version: str, why: str) -> None:
    raise BadInput(f"screening list {name}, {version}: {why}", field="screening.lists", list=name)
