"""A position explains itself, wherever a caller got it from."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.clearing import Position, Terms, calculate, explain, positions, records_under
from settle.clearing.open_positions import explanation
from settle.errors import BadInput
from settle.hub import Hub

DAY = date(2024, 12, 18)
AFTER = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
NAMES = ["name", "country", "town", "account", "bic", "bank_code"]
HEAD = (
    "agreement_id,participant_id,role,settlement_currency,rounding,hub_role,valid_from,"
    "fee_back_on_refund,fee_ppm,fee_fixed_minor,tax_ppm,reserve_ppm,reserve_days,"
    "payout_minimum_minor,fx_markup_ppm,set_off," + ",".join(f"beneficiary_{n}" for n in NAMES)
)
PAYEE = "Lark Ltd,SG,Singapore,0123456789,,"


def sale(record_id: str, amount_minor: int, **more: Any) -> dict[str, Any]:
    return {
        "record_id": record_id, "participant_id": "M1", "agreement_id": "A-M1",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": amount_minor, "currency": "USD",
        "occurred_at": datetime(2024, 12, 18, 4, tzinfo=UTC), **more,
    }  # fmt: skip


RECORDS = [
    sale("s1", 100_00),
    sale("s2", 250_00, currency="EUR"),
    sale("r1", 20_00, kind="refund"),
    sale("r2", 45_00, kind="refund", agreement_id="A-M1.b", currency="EUR"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that has closed a window of one merchant with two agreements, set off."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "settle.toml").write_text(
        '[settle]\ntenant = "t"\n[clearing]\nagreements = "a.csv"\nrates = "rates.csv"\n'
    )
    rows = [
        f"A-M1,M1,merchant,EUR,half_up,principal,2024-01-01,false,15000,0,200000,50000,3,0,3000,true,{PAYEE}",
        f"A-M1.b,M1,merchant,EUR,half_up,principal,2024-01-01,false,0,0,0,0,0,0,0,true,{PAYEE}",
        "A-P1,P1,partner,EUR,half_up,principal,2024-01-01,false,0,0,0,0,0,0,0,false,,,,,,",
    ]
    (folder / "a.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    (folder / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.0510\n")
    with Hub.open(folder / "settle.toml", clock=lambda: AFTER) as opened:
        opened.take(RECORDS)
        opened.close_window(DAY)
        yield opened


def test_each_position_of_a_hub_explains_and_proves_itself(hub: Hub) -> None:
    """The parts sum to it exactly, and its records, priced again, give the same figures."""
    one, other = hub.positions(DAY)
    for position in (one, other):
        told = position.explain()
        assert told.position == position
        assert told.holds
        assert told.adds_up
        assert told.proof is not None
        assert told.proof.holds
        assert position.records == told.proof.records
        assert position.net_minor == sum(line.amount_minor for line in told.lines)
        assert position.rest_minor == sum(line.amount_minor for line in told.steps)
        under = records_under(position, lake=hub.lake)
        assert position.records == under.num_rows
        assert told.position.explain() == told
    assert (45_00, -45_00) == (other.set_off_minor, one.set_off_minor)
    assert [one.position_id] == [each.source_id for each in other.explain().taken]


def test_a_position_read_by_a_connection_explains_itself_there(hub: Hub) -> None:
    """Without a hub it is the decomposition that was stored, and there is no proof beside it."""
    with hub.store.reading() as connection:
        for position in positions(connection, "2024-12-18"):
            told = position.explain()
            assert explain(connection, position_id=position.position_id) == told
            assert told.holds
            assert told.proof is None
            assert told.position.explain() == told


def test_a_position_of_files_explains_itself_with_nothing_stored(hub: Hub, tmp_path: Path) -> None:
    """What was netted from files is what a store would have closed, and tells the same."""
    path = tmp_path / "records.jsonl"
    rows = ({**row, "occurred_at": row["occurred_at"].isoformat()} for row in RECORDS)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    terms = Terms(agreements=hub.agreements, rates=hub.rates)
    found = calculate([path], day=DAY, terms=terms, engine=hub.engine)
    for stored in hub.positions(DAY):
        told = found.explain(stored.position_id)
        assert stored == told.position
        assert told.holds
        assert told.position.explain() == told
        assert stored.explain().buckets == told.buckets
        alone = explanation(found.result, day=DAY, position_id=stored.position_id)
        assert told == alone
    assert explanation(found.result, day=DAY, position_id="feed") is None


def test_an_open_position_explains_itself(hub: Hub) -> None:
    """What would be owed if the window closed now is taken apart alike."""
    hub.take([sale("s9", 10_00, occurred_at=datetime(2024, 12, 18, 16, 10, tzinfo=UTC))])
    (told,) = hub.open_position("M1")
    assert told.position.explain() == told
    assert told.holds


def test_an_open_position_is_told_without_the_journal(hub: Hub) -> None:
    """It is asked for by a service, and the journal grows: only collateral is worth reading it."""
    asked: list[str] = []

    def listen(*args: Any) -> None:
        asked.append(args[2])

    sa.event.listen(hub.store.engine, "before_cursor_execute", listen)
    try:
        hub.open_position("M1")
    finally:
        sa.event.remove(hub.store.engine, "before_cursor_execute", listen)
    assert any("carries" in statement for statement in asked)
    assert not any("journal" in statement for statement in asked)


def test_who_explains_a_position_is_no_part_of_it(hub: Hub) -> None:
    """Two with the same figures are equal, and only figures are shown, copied and sent."""
    position, *_ = hub.positions(DAY)
    alone = Position(**asdict(position))
    assert position == alone
    assert hash(position) == hash(alone)
    assert repr(position) == repr(alone)
    for figures in (
        alone,
        pickle.loads(pickle.dumps(position)),
        copy.copy(position),
        copy.deepcopy(position),
        replace(position, paid_minor=1),
    ):
        with pytest.raises(BadInput, match="is figures alone: take it from a hub, a store or a"):
            figures.explain()


def test_a_position_nobody_has_is_named(hub: Hub) -> None:
    """An id that is in no closed window is refused in so many words."""
    with pytest.raises(BadInput, match="no position is called 'feed'"):
        hub.explain("feed")
    assert [] == list(hub.positions(date(2024, 12, 17)))
