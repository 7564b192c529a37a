"""One key for one instruction, one live payment for one obligation, one worker for one payment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Key, KeyPlace, Unknown
from settle.payments.claiming import Claim, claim
from settle.payments.ending import End, end
from settle.payments.lane import event_of
from settle.payments.leasing import Lease
from settle.payments.retaking import resend
from settle.payments.tables import payments
from settle.store import Store

KEY = Key(
    place=KeyPlace.HEADER, name="K", length_max=36, lifetime=timedelta(days=1), deduplicates=True
)
HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ({}, True),
        ({"length_max": 32}, True),
        ({"length_max": 31}, False),
        ({"form": "[0-9a-f]+"}, True),
        ({"form": "[0-9]+"}, False),
        ({"form": "[0-9a-f]{8}"}, False),
    ],
)
def test_a_key_has_the_form_and_the_length_that_the_rail_says(
    changes: dict[str, Any], *, takes: bool
) -> None:
    """The whole of it, not its beginning."""
    assert takes is replace(KEY, **changes).takes(HEX)


def test_a_key_that_a_rail_does_not_take_is_held_before_anything_is_sent(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payment is kept, by field, and never approved."""
    monkeypatch.setattr(Key, "takes", lambda *_: False)
    (held,) = desk.plan(desk.due).held
    assert held.reason.startswith("idempotency_key: ")


def test_a_second_store_mints_the_same_keys(desk: Any, store: Store, tmp_path: Any) -> None:
    """So does a backup that was put back: what was sent is known by its key."""
    other = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    names = ("idempotency_key", "end_to_end_id", "uetr", "fingerprint")
    found = []
    for each in (store, other):
        desk.store = each
        desk.plan(*desk.dues(3))
        with each.reading() as connection:
            columns = [payments.c[name] for name in names]
            query = sa.select(*columns).order_by(payments.c.obligation_id)
            found.append([tuple(row) for row in connection.execute(query)])
    other.close()
    assert found[0] == found[1]
    assert len(set(found[0])) == 3


def test_the_database_itself_allows_one_live_payment_for_an_obligation(
    desk: Any, store: Store
) -> None:
    """Whoever writes a second one, by whatever way, is refused; a dead one may stand beside."""
    desk.plan(desk.due)
    with store.reading() as connection:
        row = dict(connection.execute(sa.select(payments)).mappings().one())
    second = {**row, "payment_id": "P-2", "attempt": 2, "idempotency_key": "k", "uetr": "u"}
    second |= {"end_to_end_id": "e"}
    with store.transaction() as connection:
        connection.execute(sa.insert(payments), [{**second, "live": False}])
    with pytest.raises(sa.exc.IntegrityError), store.transaction() as connection:
        connection.execute(sa.insert(payments), [{**second, "payment_id": "P-3"}])


@pytest.mark.parametrize("column", ["amount_minor", "beneficiary_account", "idempotency_key"])
def test_what_changed_after_it_was_sent_is_not_sent_again_and_is_shown(
    desk: Any, store: Store, states: Any, column: str
) -> None:
    """An old key never carries another instruction, and another key never an old one."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    event = event_of(sending.rows[0], Unknown(reason="no answer"), desk.now)
    value = 99 if column == "amount_minor" else "other"
    lease = Lease(rail="single", worker="w", now=desk.now, length=timedelta(minutes=5))
    with store.transaction() as connection:
        end(connection, [End(events=[event], worker="w", recorded_at=desk.now)])
        connection.execute(sa.update(payments).values({column: value}))
        (resent,) = resend(connection, [(lease, [sending.conversation_id])])
        shown = connection.execute(sa.select(payments.c.contradiction)).scalar_one()
    assert ([], {"unknown": 1}) == (list(resent), states())
    assert "changed after it was sent" in shown


def test_claims_on_postgresql_skip_what_another_worker_is_claiming(desk: Any, store: Store) -> None:
    """The second neither waits for the first nor takes any of its payments."""
    if store.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    desk.ready(*desk.dues(10))
    taken: list[set[str]] = []
    with store.transaction() as one, store.transaction() as two:
        two.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        for connection, worker, count in ((one, "one", 6), (two, "two", 10)):
            lease = Lease(rail="single", worker=worker, now=desk.now, length=timedelta(minutes=5))
            wish = Claim(lease=lease, count_max=count, batch_size_max=None, day=desk.now.date())
            (sendings,) = claim(connection, [wish])
            taken.append({row["payment_id"] for each in sendings for row in each.rows})
    assert [6, 4] == [len(each) for each in taken]
    assert set() == taken[0] & taken[1]
