"""The day of a release is known of payments that were released before it was kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from settle.payments.tables import payments
from settle.store import Store, migrations
from settle.store.connection import _engine

RELEASED = datetime(2024, 12, 18, 23, 59, 59, tzinfo=UTC)


def test_what_was_released_before_has_its_day_in_utc(empty_store_url: str) -> None:
    """Limits and the caps of nights count it from the first night on; what never left has none."""
    engine = _engine(empty_store_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["engine"] = engine
    command.upgrade(config, "0007")
    there = {column["name"] for column in sa.inspect(engine).get_columns("payments")}
    columns = [c for c in payments.c if c.name in there and not c.nullable]
    with engine.begin() as connection:
        for number, at in enumerate((RELEASED, None)):
            values = {c.name: _value(c, number) for c in columns}
            connection.execute(payments.insert().values(values | {"released_at": at}))
    engine.dispose()
    store = Store.open(empty_store_url)
    with store.reading() as connection:
        query = sa.select(payments.c.released_on).order_by(payments.c.payment_id)
        assert [date(2024, 12, 18), None] == list(connection.scalars(query))
    store.close()


def _value(column: sa.Column[object], number: int) -> object:
    """Something that a column takes, another for each row."""
    match column.type.python_type:
        case kind if kind is str:
            return f"{number}"
        case kind if kind is bool:
            return False
        case kind if kind is date:
            return date(2024, 12, 18)
        case _:
            return 1
