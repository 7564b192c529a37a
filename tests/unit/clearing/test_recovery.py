"""When a participant fails the hub as principal stands in: collateral, reserve, own funds."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from settle.clearing.recovery import Slice, waterfall

DAY = date(2024, 12, 18)
SLICES = st.lists(
    st.builds(
        Slice,
        slice_id=st.uuids().map(str),
        window_id=st.sampled_from(["2024-10-01", "2024-10-02", "2024-11-01"]),
        amount_minor=st.integers(1, 100),
    ),
    max_size=5,
    unique_by=lambda each: each.slice_id,
)


@given(debt=st.integers(0, 600), collateral=st.integers(0, 200), slices=SLICES)
def test_the_loss_falls_in_order_and_all_of_it(
    debt: int, collateral: int, slices: list[Slice]
) -> None:
    """Collateral first, then the reserve, then the hub; no source gives more than it holds."""
    cover = waterfall(debt, collateral_minor=collateral, slices=slices)
    held = sum(each.amount_minor for each in slices)
    assert debt == cover.collateral_minor + cover.reserve_minor + cover.hub_minor
    assert min(debt, collateral) == cover.collateral_minor
    assert min(debt - cover.collateral_minor, held) == cover.reserve_minor
    assert max(debt - collateral - held, 0) == cover.hub_minor


@given(debt=st.integers(0, 600), slices=SLICES, order=st.randoms(use_true_random=False))
def test_the_oldest_slice_is_used_up_before_the_next(
    debt: int, slices: list[Slice], order: object
) -> None:
    """In whatever order slices come, only the last one used keeps a rest."""
    shuffled = sorted(slices, key=lambda _: order.random())  # type: ignore[attr-defined]
    cover = waterfall(debt, collateral_minor=0, slices=shuffled)
    assert waterfall(debt, collateral_minor=0, slices=slices) == cover
    line = sorted(slices, key=lambda each: (each.window_id, each.slice_id))
    assert [each.slice_id for each in line[: len(cover.slices)]] == [
        each.slice_id for each in cover.slices
    ]
    whole = cover.slices[:-1]
    assert tuple(line[: len(whole)]) == whole


@given(debt=st.integers(0, 600), collateral=st.integers(0, 200), slices=SLICES)
def test_nobody_elses_account_is_touched(debt: int, collateral: int, slices: list[Slice]) -> None:
    """The rows clear the claim from the failed one's own securities and the hub's own funds."""
    cover = waterfall(debt, collateral_minor=collateral, slices=slices)
    rows = list(
        cover.postings(
            agreement_id="A1", currency="EUR", event="default", subject="w", posted_on=DAY
        )
    )
    moved: dict[str, int] = defaultdict(int)
    for row in rows:
        moved[row.debit] -= row.amount_minor
        moved[row.credit] += row.amount_minor
    assert moved["claims/A1"] == debt
    assert set(moved) <= {"claims/A1", "collateral/A1", "reserve/A1", "own_funds"}
    assert sum(moved.values()) == 0
