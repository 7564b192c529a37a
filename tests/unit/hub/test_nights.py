"""Two nights through the hub: what is paused or too large waits, and goes once it may."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle import nightly
from settle.adapters.simulator import Memory
from settle.errors import BadInput, ConfigError
from settle.hub import Hub
from settle.payments.tables import payment_events, payments
from settle.report.payments import ControlTotal
from settle.simulation.rehearsal import Rehearsal, rehearse
from settle.simulation.world import open_simulator

FIRST, SECOND = date(2024, 12, 18), date(2024, 12, 19)
PARTNER, BANK = "adyen_transfers", "iso20022_bank"
PAUSED = {"controls.paused_rails": [PARTNER], "controls.paused_currencies": ["GBP"]}
LOW = {"approval.limit_major.SEK": 0}
UNSENT = {"planned", "scheduled", "approved"}

pytestmark = pytest.mark.xdist_group("hub nights")
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What stands after a night: its end, the payments, and what each rail truly executed."""

    night: nightly.Night
    rows: list[Row]
    executed: Mapping[str, int]
    controls: tuple[ControlTotal, ...]

    def states(self, *, rail: str, currency: str | None = None) -> set[str]:
        return {
            row["state"]
            for row in self.rows
            if row["rail"] == rail and currency in (None, row["currency"])
        }


def run(rehearsal: Rehearsal, day: date, overrides: Mapping[str, Any]) -> Stage:
    rehearsal.begin(day)
    with Hub.open(rehearsal.config_path, overrides=overrides) as hub:
        night = nightly.run(hub, day)
        held = hub.report(day).payments.controls
        return Stage(night=night, rows=stored(hub), executed=truth(rehearsal), controls=held)


def stored(hub: Hub) -> list[Row]:
    with hub.store.reading() as connection:
        found = connection.execute(sa.select(payments).order_by(payments.c.payment_id))
        return [dict(row) for row in found.mappings()]


def events(hub: Hub) -> int:
    with hub.store.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(payment_events)) or 0)


def truth(rehearsal: Rehearsal) -> dict[str, int]:
    rails = rehearsal.world.executions()["rails"]
    return {name: rail["executed"] for name, rail in rails.items()}


@pytest.fixture(scope="module")
def rehearsal(small_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """The small night's rails, and an empty store."""
    with rehearse(small_night, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def paused(rehearsal: Rehearsal) -> Stage:
    """The first night with one rail and one currency paused, and every SEK left to people."""
    return run(rehearsal, FIRST, PAUSED | LOW)


@pytest.fixture(scope="module")
def approved(rehearsal: Rehearsal, paused: Stage) -> str:
    """A payment in SEK that a person has approved since."""
    chosen: str = next(r["payment_id"] for r in paused.rows if r["currency"] == "SEK")
    with Hub.open(rehearsal.config_path) as hub:
        hub.approve(chosen, actor="ada@platform")
    return chosen


@pytest.fixture(scope="module")
def resumed(rehearsal: Rehearsal, approved: str) -> Stage:
    """The first night, run again with the switch off."""
    return run(rehearsal, FIRST, LOW)


@pytest.fixture(scope="module")
def second(rehearsal: Rehearsal, resumed: Stage) -> Stage:
    """The night after."""
    return run(rehearsal, SECOND, LOW)


def test_nothing_is_released_to_a_paused_rail(paused: Stage) -> None:
    """Its payments wait and say why, and the rail has executed none."""
    assert {"scheduled"} == paused.states(rail=PARTNER)
    pauses = {x.control for x in paused.controls if x.control}
    assert {"pause"} == pauses
    assert 0 == paused.executed[PARTNER]  # expected before actual
    assert PARTNER not in paused.night.rails_down


def test_nothing_is_released_in_a_paused_currency(paused: Stage) -> None:
    """Its payments wait for the switch, and the same rail's others go."""
    assert {"scheduled"} == paused.states(rail=BANK, currency="GBP")
    assert not paused.states(rail=BANK, currency="EUR") & UNSENT


def test_what_was_paused_is_paid_once_the_switch_is_off(resumed: Stage) -> None:
    """The same night run again sends what waited, each of them once."""
    assert not resumed.states(rail=PARTNER) & {"planned", "approved"}
    assert not resumed.states(rail=BANK, currency="GBP") & UNSENT
    sent = sum(r["rail"] == PARTNER and r["releases"] > 0 for r in resumed.rows)
    assert 0 < resumed.executed[PARTNER] <= sent


def test_a_payment_above_the_limit_waits_for_a_person_and_then_goes(
    paused: Stage, resumed: Stage, approved: str
) -> None:
    """Only the one that was approved has left; the others of its currency still wait."""
    assert {"planned"} == paused.states(rail=BANK, currency="SEK")
    (chosen,) = [row for row in resumed.rows if row["payment_id"] == approved]
    assert ("ada@platform", False) == (chosen["approved_by"], chosen["state"] in UNSENT)
    others = {
        row["state"]
        for row in resumed.rows
        if row["currency"] == "SEK" and row["payment_id"] != approved
    }
    assert {"planned"} == others


def test_an_approval_of_what_does_not_wait_is_refused(
    rehearsal: Rehearsal, resumed: Stage, approved: str
) -> None:
    """Neither a payment that has gone nor one that never was is approved."""
    with Hub.open(rehearsal.config_path) as hub:
        for payment_id, why in (
            (approved, "is accepted, and does not wait"), ("nobody", "there is no payment nobody"),
        ):  # fmt: skip
            with pytest.raises(BadInput, match=why):
                hub.approve(payment_id, actor="ada@platform")


def test_a_notification_is_recorded_once_and_a_forged_one_never(
    rehearsal: Rehearsal, resumed: Stage
) -> None:
    """Delivered twice it says nothing new; with another's signature it changes nothing."""
    headers, content = delivery(rehearsal)
    with Hub.open(rehearsal.config_path) as hub:
        before = events(hub)
        forged = hub.receive(PARTNER, {**headers, "hmacsignature": "bm90IGl0"}, content)
        assert (False, 0, before) == (forged.authentic, forged.recorded, events(hub))
        shouted = {name.upper(): value for name, value in headers.items()}
        first = hub.receive(PARTNER, shouted, content)
        after = events(hub)
        again = hub.receive(PARTNER, headers, content)
        assert (True, True) == (first.authentic, again.authentic)
        assert before < after == events(hub)
        assert (after - before, 0) == (first.recorded, again.recorded)
        with pytest.raises(ConfigError, match="no such rail"):
            hub.receive("nobody", headers, content)


def delivery(rehearsal: Rehearsal) -> tuple[dict[str, str], bytes]:
    """What the rail tells about the first payment it executed: read from its own memory."""
    secret = os.environ["SETTLE_ADYEN_HMAC_KEY"]
    rail = open_simulator(PARTNER, where="test")(
        memory=Memory(rehearsal.config_path.parent / "world" / f"{PARTNER}.jsonl"),
        clock=lambda: rehearsal.config.night_instant(FIRST),
        accounts=rehearsal.config.settings.rails[PARTNER].plugin_settings["accounts"],
        outside=(),
        secrets={"api_key": os.environ["SETTLE_ADYEN_API_KEY"], "hmac_key": secret},
    )
    (first, *_) = [
        (dict(headers), content)
        for headers, content in rail.webhooks()  # type: ignore[attr-defined]  # this rail's own
        if json.loads(content)["data"]["direction"] == "outgoing"
    ]
    return first


def test_each_obligation_of_a_night_has_its_account_and_its_deadline(
    rehearsal: Rehearsal, resumed: Stage
) -> None:
    """The report says who pays what by when, and every payment went to that account."""
    told = json.loads(resumed.night.data.read_text("utf-8"))["funding"]
    with Hub.open(rehearsal.config_path) as hub:
        found = {each.obligation_id: each for each in hub.plan_funding(FIRST).obligations()}
    expected = {row["obligation_id"]: (row["rail"], row["account"]) for row in resumed.rows}
    assert expected == {name: (each.rail, each.account) for name, each in found.items()}
    assert len(expected) == sum(row["obligations"] for row in told["paid_from"])
    assert all(row["by"] and row["rule"] for row in told["paid_from"])


def test_a_night_says_what_to_send_where_money_is_short(resumed: Stage) -> None:
    """Crowns lie with the partner and are due at the bank: one transfer, at its fixed cost."""
    told = json.loads(resumed.night.data.read_text("utf-8"))["funding"]
    (move,) = [x for x in told["moves"] if x["target"] == "bank NOK"]
    assert ("partner NOK", 500) == (move["source"], move["cost"]["amount_minor"])
    assert told["saved"]["amount_minor"] >= 0
    assert "funding" in resumed.night.page.read_text("utf-8")


def test_no_payment_is_executed_more_than_once(rehearsal: Rehearsal, second: Stage) -> None:
    """With pauses, approvals, faults and a night run twice, each left once."""
    _, more_than_once = rehearsal.executed()
    assert 0 == more_than_once  # expected before actual


def test_a_night_that_is_over_only_says_again_how_it_ended(
    rehearsal: Rehearsal, resumed: Stage, second: Stage
) -> None:
    """Run after the next one has begun, it sends nothing and prints the same."""
    page = resumed.night.page.read_bytes()
    again = run(rehearsal, FIRST, {})
    assert (resumed.night.lines, resumed.night.exit_code) == (
        again.night.lines,
        again.night.exit_code,
    )
    assert page == again.night.page.read_bytes()
    assert second.rows == again.rows
    assert second.executed == again.executed
