"""What rails told us unasked: each delivery by its own id, once, and those that were refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from settle.payments.tables import deliveries, refused_deliveries
from settle.store import insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A delivery that came before. `same`: with the very content that comes now.

    `taken`: nothing in it was left over, so a copy of it has nothing to add.
    """

    same: bool
    taken: bool
    look_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTally:
    """Deliveries of one rail. `copies` came beside the first, `others` of them with other content.

    `open` told of something that we could not place. `refused`: see `RefusedTally`.
    """

    rail: str
    deliveries: int
    copies: int
    others: int
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedTally:
    """Deliveries of one rail and UTC day that were refused for one reason. They changed nothing."""

    rail: str
    day: date
    reason: str
    times: int
    last_at: datetime


def delivered_before(
    connection: Connection, rail: str, delivery_id: str, *, content: bytes
) -> Known | None:
    """The delivery of this id, if one came before."""
    table = deliveries.c
    query = sa.select(table.digest, table.taken, table.look_up).where(
        table.rail == rail, table.delivery_id == delivery_id
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    return Known(same=found.digest == digest_of(content), taken=found.taken, look_up=found.look_up)


def keep_delivery(
    connection: Connection, rail: str, delivery_id: str, *, content: bytes, look_up: bool,
    taken: bool, at: datetime,
) -> None:  # fmt: skip
    """Count a delivery, once what it proves has been let in. This loses no count to another."""
    table = deliveries.c
    row = {
        "rail": rail, "delivery_id": delivery_id, "digest": digest_of(content),
        "received_at": at, "copies": 0, "others": 0, "look_up": look_up, "taken": taken,
    }  # fmt: skip
    insert_new(connection, deliveries, [row])
    is_same = table.digest == row["digest"]
    differs = sa.case((is_same, 0), else_=1)
    connection.execute(
        sa.update(deliveries)
        .where(table.rail == rail, table.delivery_id == delivery_id)
        .values(
            copies=table.copies + 1,
            others=table.others + differs,
            look_up=sa.or_(table.look_up, sa.literal(look_up)),
            # What came under the id with other content has taken nothing of the first.
            taken=sa.case(
                (is_same, sa.literal(taken)), else_=sa.and_(table.taken, sa.literal(taken))
            ),
        )
    )


def refuse_delivery(connection: Connection, rail: str, *, reason: str, at: datetime) -> None:
    """Count a delivery that was refused: a row for each rail, day and reason, however many come."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    table = refused_deliveries.c
    statement = dialect.insert(refused_deliveries).values(
        rail=rail, day=at.astimezone(UTC).date(), reason=reason, times=1, last_at=at
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[table.rail, table.day, table.reason],
            set_={"times": table.times + 1, "last_at": at},
        )
    )


def delivery_tallies(connection: Connection) -> Sequence[DeliveryTally]:
    """Deliveries that were taken in, by rail."""
    table = deliveries.c
    query = (
        sa.select(
            table.rail,
            sa.func.count().label("deliveries"),
            sa.func.sum(table.copies - 1).label("copies"),
            sa.func.sum(table.others).label("others"),
            sa.func.sum(sa.case((table.taken, 0), else_=1)).label("open"),
        )
        .group_by(table.rail)
        .order_by(table.rail)
    )
    return [
        DeliveryTally(
            rail=row.rail, deliveries=row.deliveries, copies=int(row.copies),
            others=int(row.others), open=int(row.open),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def refused_tallies(connection: Connection) -> Sequence[RefusedTally]:
    """Deliveries that were refused, the newest day first."""
    table = refused_deliveries.c
    query = sa.select(refused_deliveries).order_by(table.day.desc(), table.rail, table.reason)
    return [RefusedTally(**row) for row in connection.execute(query).mappings()]


def digest_of(content: bytes) -> str:
    """What tells one content from another."""
    return hashlib.sha256(content).hexdigest()
