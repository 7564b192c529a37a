"""Net debit caps hold records at intake, in the order in which they occurred, with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.clearing import Agreements, Caps, Intake, take
from settle.clearing.kinds import CORRECTIONS, DIRECTIONS, Kind
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
BLANK = dict.fromkeys(
    ("fee_ppm", "fee_fixed_minor", "tax_ppm", "reserve_ppm", "reserve_days",
     "payout_minimum_minor", "fx_markup_ppm"), 0,
)  # fmt: skip
AGREEMENTS = Agreements.of(
    pa.Table.from_pylist(
        [
            {
                **BLANK, "agreement_id": f"A-{name}", "participant_id": name, "role": role,
                "settlement_currency": "EUR", "fee_back_on_refund": False,
                "rounding": "half_even", "hub_role": "principal", "valid_from": date(2024, 1, 1),
                **dict.fromkeys(
                    ("beneficiary_name", "beneficiary_country", "beneficiary_town",
                     "beneficiary_account", "beneficiary_bic", "beneficiary_bank_code"), "x",
                ),
            }
            for name, role in (("M1", "merchant"), ("P1", "partner"))
        ]
    )
)  # fmt: skip


def capped(**caps: int) -> Caps:
    rows = [{"participant_id": n, "currency": "EUR", "cap_minor": c} for n, c in caps.items()]
    return Caps.of(pa.Table.from_pylist(rows))


def record(number: int, amount: int, kind: str = "sale", currency: str = "EUR") -> dict[str, Any]:
    return {
        "record_id": f"r{number:03}", "participant_id": "M1", "agreement_id": "A-M1",
        "counterparty_id": "P1", "kind": kind, "amount_minor": str(amount), "currency": currency,
        "occurred_at": (NOW - timedelta(hours=8) + timedelta(minutes=number)).isoformat(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


class House:
    """A store and a lake of their own."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.store = Store.open(f"sqlite:///{folder / 'one.db'}")
        self.lake, self.engine = folder / "lake", engine

    def take(self, rows: list[dict[str, Any]], caps: Caps, name: str = "batch") -> Intake:
        return take(
            rows, name=name, received_at=NOW, store=self.store, engine=self.engine,
            lake=self.lake, agreements=AGREEMENTS, caps=caps,
        )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, engine: Engine) -> Iterator[House]:
    house = House(tmp_path, engine)
    yield house
    house.store.close()


def test_a_partner_is_held_at_its_cap_and_what_was_before_stands(house: House) -> None:
    """The record that crosses the cap, and each debit after it, is quarantined for that reason."""
    intake = house.take(
        [record(1, 600), record(2, 400), record(3, 1), record(4, 5)], capped(P1=1000)
    )
    assert (2, {"over_net_debit_cap": 2}) == (intake.accepted, dict(intake.reasons))
    assert [3, 4] == [found.row for found in intake.findings]


def test_credits_make_room_again(house: House) -> None:
    """A refund lowers what the partner owes; the next sale fits."""
    rows = [record(1, 900), record(2, 500, "refund"), record(3, 600)]
    assert 3 == house.take(rows, capped(P1=1000)).accepted


def test_what_is_open_of_earlier_batches_counts(house: House) -> None:
    """The exposure is of all that no window has settled, whichever file it came in."""
    house.take([record(1, 900)], capped(P1=1000), name="one")
    assert {"over_net_debit_cap": 1} == dict(
        house.take([record(2, 200)], capped(P1=1000), name="two").reasons
    )


def test_other_currencies_and_parties_are_not_held(house: House) -> None:
    """A cap is a party's, in one currency."""
    assert 2 == house.take([record(1, 999, currency="USD"), record(2, 5)], capped(P1=10)).accepted


def test_a_merchant_is_held_too(house: House) -> None:
    """A merchant's refunds beyond its sales are its debit."""
    rows = [record(1, 100), record(2, 250, "refund")]
    assert {"over_net_debit_cap": 1} == dict(house.take(rows, capped(M1=100)).reasons)


def test_a_higher_cap_lets_in_what_was_held(house: House) -> None:
    """The same file under a higher cap is a further batch of what was held."""
    rows = [record(1, 600), record(2, 600)]
    assert 1 == house.take(rows, capped(P1=1000)).accepted
    assert (1, 1) == ((again := house.take(rows, capped(P1=2000))).records_in, again.accepted)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"currency": "USX"}, "row 1, currency.*not in the currency table"),
        ({"cap_minor": -1}, "row 1, cap_minor.*negative"),
    ],
)
def test_a_cap_that_is_none_is_refused_by_name(row: dict[str, Any], why: str) -> None:
    """Row, field and why."""
    good = {"participant_id": "P1", "currency": "EUR", "cap_minor": 1}
    with pytest.raises(BadInput, match=why):
        Caps.of(pa.Table.from_pylist([good | row]))


MOVES = st.lists(
    st.tuples(st.sampled_from([str(kind) for kind in CORRECTIONS]), st.integers(1, 9)), max_size=12
)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES, cap=st.integers(0, 12))
def test_what_is_taken_is_what_a_loop_takes(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]], cap: int
) -> None:
    """The set-based rule is the one that a loop over the records in their order would apply."""
    rows = [record(n, amount, kind) for n, (kind, amount) in enumerate(moves)]
    owed, expected = 0, set()
    for row in rows:
        direction = DIRECTIONS[Kind(row["kind"])]
        debit = -direction.sign * int(row["amount_minor"])
        owed += debit
        if not (debit > 0 and owed > cap):
            expected.add(row["record_id"])
    house = House(tmp_path_factory.mktemp("caps"), engine)
    held = {found.record_id for found in house.take(rows, capped(M1=cap)).findings}
    house.store.close()
    assert expected == {row["record_id"] for row in rows} - held
