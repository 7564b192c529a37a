"""What a closed window tells, and the names of the journal rows that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from settle.clearing import Agreements, Closing, Cutoff, Rates, close, take
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store

DAY = date(2024, 12, 18)
TERMS = {
    "settlement_currency": "EUR", "fee_ppm": 10_000, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "agent",
    "valid_from": date(2024, 1, 1), "beneficiary_name": "n", "beneficiary_country": "DE",
    "beneficiary_town": "Ulm", "beneficiary_account": "DE00", "beneficiary_bic": None,
    "beneficiary_bank_code": None,
}  # fmt: skip
Close = Callable[..., Closing]


def agreement(agreement_id: str, participant_id: str, **other: Any) -> dict[str, Any]:
    own = {"agreement_id": agreement_id, "participant_id": participant_id, "role": "merchant"}
    return {**TERMS, **own, **other}


def sale(agreement_id: str, participant_id: str) -> dict[str, Any]:
    return {
        "record_id": f"sale under {agreement_id}", "participant_id": participant_id,
        "agreement_id": agreement_id, "counterparty_id": "P1", "kind": "sale",
        "amount_minor": 100_00, "currency": "EUR",
        "occurred_at": Cutoff().ends_at(DAY) - timedelta(hours=5),
    }  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(threads=1)
    yield made
    made.close()


@pytest.fixture
def closing(store: Store, engine: Engine, tmp_path: Path) -> Close:
    """Takes a sale under each agreement of a merchant, and closes the window of a day."""
    where: dict[str, Any] = {"store": store, "engine": engine, "lake": tmp_path / "lake"}

    def closed(*merchants: dict[str, Any], day: date = DAY, **more: Any) -> Closing:
        rows = [*merchants, agreement("A-P1", "P1", role="partner")]
        terms = Agreements.of(pa.Table.from_pylist(rows))
        sales = [sale(row["agreement_id"], row["participant_id"]) for row in merchants]
        now = Cutoff().ends_at(day)
        take(sales, name="sales", received_at=now, agreements=terms, **where)
        return close(day, as_of=now, agreements=terms, rates=Rates({}), cutoff=Cutoff(), **where,
                     **more)  # fmt: skip

    return closed


M1, M2 = agreement("A-M1", "M1"), agreement("A-M2", "M2")


def test_who_failed_is_told_by_a_closed_window_to_whoever_asks_again(closing: Close) -> None:
    """Its closing names them, and closing it again under them, one or nobody, is that one."""
    first = closing(M1, M2, failed=["M2", "M1", "M2"])
    assert (("M1", "M2"), 0) == (first.failed, first.records)
    assert first == closing(M1, M2, failed={"M1", "M2"}) == closing(M1, M2)
    assert first == closing(M1, M2, failed=["M2"])


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        ((), ["M1"], "closed already, with nobody as failed and not 'M1'"),
        (["M2"], ["M1"], "closed already, with 'M2' as failed and not 'M1'"),
        (["M1"], ["M1", "M2"], "closed already, with 'M1' as failed and not 'M2'"),
    ],
)
def test_a_closed_window_does_not_seem_to_heed_who_failed_later(
    closing: Close, then: list[str], now: list[str], why: str
) -> None:
    """To name others than it was closed under is refused, and the closing stays what it was."""
    first = closing(M1, M2, failed=then)
    with pytest.raises(BadInput, match=f"window 2024-12-18 is {why}"):
        closing(M1, M2, failed=now)
    assert first == closing(M1, M2)


def test_a_window_of_agreements_with_slashes_closes(closing: Close) -> None:
    """Numbers of contracts, of which one settles by counterparty: each journal row has its name."""
    slashed = agreement("2024/1", "M1", netting="bilateral")
    others = [agreement(each, "M2") for each in ("2024/17", "17/P1", "17/2024", "P1")]
    done = closing(slashed, *others)
    assert (5, 5) == (done.records, done.positions)
