"""Another rail only after a documented rejection for the rail's own sake; never on an Unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.payments.conftest import PlainRail

from settle.adapters import Accepted, NotMoved, Outcome, RailSettings, Rejected, Unknown
from settle.payments import Conditions, plan, reroutable
from settle.payments.ending import End, end
from settle.payments.lane import event_of
from settle.payments.tables import payments
from settle.store import Store

FULL = Rejected(code="AM04", reason="funds are insufficient")
CLOSED = Rejected(code="AC04", reason="account is closed")


def ended(desk: Any, *outcomes: Outcome | NotMoved, rail: str = "single") -> None:
    """Send what is ready, and let it end so."""
    sendings = desk.claim(rail)
    events = [
        event_of(sending.rows[0], outcome, desk.now)
        for sending, outcome in zip(sendings, outcomes, strict=True)
    ]
    with desk.store.transaction() as connection:
        end(connection, [End(events=events, worker="w", recorded_at=desk.now)])


def again(desk: Any) -> list[str]:
    with desk.store.reading() as connection:
        return reroutable(connection, desk.rails, tenant="t")


def attempts(store: Store) -> list[tuple[int, str, str, bool]]:
    columns = payments.c
    query = sa.select(columns.attempt, columns.rail, columns.state, columns.live)
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(columns.attempt))]


def test_after_a_rejection_for_the_rails_sake_the_next_rail_gets_an_attempt_of_its_own(
    desk: Any, store: Store
) -> None:
    """With keys of its own; the rail that rejected it says so in the reason."""
    desk.ready(desk.due)
    ended(desk, FULL)
    assert ["O-1"] == again(desk)
    assert (1, []) == ((done := desk.plan(desk.due)).planned, list(done.held))
    expected = [(1, "single", "rejected", False), (2, "batched", "planned", True)]
    assert expected == attempts(store)
    keys = sa.select(payments.c.idempotency_key, payments.c.end_to_end_id, payments.c.uetr)
    reasons = sa.select(payments.c.routing_reason).order_by(payments.c.attempt)
    with store.reading() as connection:
        assert 6 == len({name for row in connection.execute(keys) for name in row})
        *_, reason = connection.scalars(reasons)
    assert "single: rejected attempt 1; batched: first that takes it" == reason
    assert (0, 1, []) == ((done := desk.plan(desk.due)).planned, done.already, again(desk))


def test_where_every_rail_has_rejected_it_it_waits_and_says_so(desk: Any, store: Store) -> None:
    """No rail is asked a second time, and each planning says why."""
    desk.ready(desk.due)
    ended(desk, FULL)
    desk.ready(desk.due)
    ended(desk, FULL, rail="batched")
    assert ["O-1"] == again(desk)
    (refused,) = desk.plan(desk.due).refused
    why = "rejected for its rail's sake; single: rejected attempt 1; batched: rejected attempt 2"
    assert ("rail", why) == (refused.field, refused.why)
    assert [1, 2] == [row[0] for row in attempts(store)]


def test_after_a_rejection_for_the_beneficiarys_sake_no_rail_is_asked(
    desk: Any, store: Store
) -> None:
    """It waits for a corrected beneficiary, and so does every other payment to the account."""
    desk.ready(desk.due)
    ended(desk, CLOSED)
    assert [] == again(desk)
    assert ["beneficiary"] == [refusal.field for refusal in desk.plan(desk.due).refused]
    (held,) = desk.plan(replace(desk.due, obligation_id="O-2")).held
    assert "waits for a corrected beneficiary" in held.reason


def test_a_rejection_for_the_rails_sake_says_nothing_of_the_account(desk: Any) -> None:
    """Other payments to it are not held."""
    desk.ready(desk.due)
    ended(desk, FULL)
    assert [] == desk.plan(replace(desk.due, obligation_id="O-2")).held


@pytest.mark.parametrize("outcome", [Unknown(reason="no answer"), Accepted(), NotMoved(reason="x")])
def test_what_a_rail_may_have_done_or_may_yet_do_is_given_to_no_other(
    desk: Any, store: Store, outcome: Outcome | NotMoved
) -> None:
    """Whatever the rail's health, its money or another's cost: it keeps its rail and its key."""
    desk.ready(desk.due)
    ended(desk, outcome)
    before = attempts(store)
    worst = Conditions(
        down={"single": "did not answer"}, spendable={("batched", "e", "EUR"): 10**9}
    )
    done = plan(
        store, [desk.due], rails=desk.rails, tenant="t", now=desk.now, ids=lambda: "P-9",
        conditions=worst,
    )  # fmt: skip
    assert (0, 1) == (done.planned, done.already)
    assert (before, []) == (attempts(store), again(desk))


def test_a_rail_whose_own_check_refuses_a_payment_loses_to_one_that_takes_it(
    desk: Any, store: Store
) -> None:
    """The reason has what it would refuse, by field."""

    class Picky(PlainRail):
        def check(self, payment: Any) -> list[str]:
            return ["beneficiary.bic: missing"]

    desk.rails["single"] = Picky(RailSettings(base_url="//single", accounts={"EUR": "acc"}))
    assert [] == desk.plan(desk.due).held
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(payments)).mappings()
    assert "batched" == row["rail"]
    assert row["routing_reason"].startswith("single: refuses beneficiary.bic: missing; batched: ")


def test_what_every_rail_refuses_waits_for_one_that_takes_it(desk: Any, store: Store) -> None:
    """It is held by field, looked at again, and goes once there is such a rail."""
    nobody = replace(desk.due, beneficiary=replace(desk.due.beneficiary, name="Nobody"))
    assert ["beneficiary.name: not here"] == [held.reason for held in desk.plan(nobody).held]
    assert ["O-1"] == again(desk)

    class Open(PlainRail):
        def check(self, payment: Any) -> list[str]:
            return []

    desk.rails["open"] = Open(RailSettings(base_url="//open", accounts={"EUR": "o"}))
    assert (1, []) == ((done := desk.plan(nobody)).planned, list(done.held))
    assert [] == again(desk)
    assert ("open", "planned") == attempts(store)[-1][1:3]
