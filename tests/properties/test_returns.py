"""Short returns: the parts make the whole, whoever bears them, and no unit is lost on the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Charge, Evidence, Fact, Source
from settle.payments import Bearer, Event, EventKind, ReturnPolicy, state_of
from settle.payments.postings import Subject, rows
from settle.payments.returns import shares
from settle.payments.state import PAYEE, borne, is_borne_by_payee

AT = datetime(2024, 12, 19, tzinfo=UTC)
PAID = 1_000
SUBJECT = Subject(
    payment_id="P", agreement_id="A", rail="r", account="acc", currency="EUR", amount_minor=PAID
)
AGENTS = ("", "CHASUS33XXX", "COBADEFFXXX", "COBADEFF")

charges = st.lists(
    st.builds(
        Charge, amount_minor=st.integers(-5, 400), currency=st.sampled_from(["EUR", "EUR", "USD"]),
        agent=st.sampled_from(AGENTS),
    ),
    max_size=4,
)  # fmt: skip
policies = st.builds(
    ReturnPolicy, charges=st.sampled_from(Bearer), fx_by_payee=st.booleans(),
    own_banks=st.sampled_from([frozenset(), frozenset({"COBADEFFXXX"})]),
)  # fmt: skip


def returned(back: int) -> Event:
    return Event(
        payment_id="P", event_id="back", kind=EventKind.RETURNED, occurred_at=AT,
        source=Source.STATEMENT.value, amount_minor=back, charges_minor=PAID - back,
    )  # fmt: skip


def parts_of(
    back: int, hops: list[Charge], policy: ReturnPolicy, *, exchanged: bool
) -> list[Event]:
    evidence = Evidence(
        evidence_id="back", source=Source.STATEMENT, fact=Fact.RETURNED, reference="P",
        occurred_at=AT, rail="r", amount_minor=back, currency="EUR", charges=hops,
        charges_minor=PAID - back, exchanged=exchanged,
    )  # fmt: skip
    return shares(evidence, returned(back), instructed_minor=PAID, policy=policy)


@st.composite
def short_returns(draw: st.DrawFn) -> tuple[int, list[Event]]:
    """What came back, and who bears what of the rest."""
    back = draw(st.integers(1, PAID))
    hops, policy, exchanged = draw(charges), draw(policies), draw(st.booleans())
    return back, parts_of(back, hops, policy, exchanged=exchanged)


@given(st.integers(1, PAID), charges, policies, st.booleans())
def test_the_parts_make_what_is_missing(
    back: int, hops: list[Charge], policy: ReturnPolicy, exchanged: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Every unit of a short return is borne by somebody, once, and each part says why."""
    parts = parts_of(back, hops, policy, exchanged=exchanged)
    assert sum(part.amount_minor or 0 for part in parts) == PAID - back
    assert all((part.amount_minor or 0) > 0 and part.detail for part in parts)
    assert list(borne(parts)) == list(range(1, len(parts) + 1))
    if policy.charges is Bearer.OUR and not policy.fx_by_payee:
        assert not any(is_borne_by_payee(part) for part in parts)
    if policy.charges is Bearer.BEN and not exchanged:
        assert all(part.code == PAYEE for part in parts)


@given(short_returns(), st.booleans(), st.randoms(use_true_random=False))
def test_what_is_paid_is_conserved_whoever_bears_it(
    came: tuple[int, list[Event]], booked: bool, chance: Random,  # noqa: FBT001
) -> None:  # fmt: skip
    """Paid less back is what the hub and the payee bear; what is owed again is back and the hub's.

    The same in any order, and with any of it repeated.
    """
    back, parts = came
    released = Event(
        payment_id="P", event_id="r/1", kind=EventKind.RELEASED, occurred_at=AT, ordinal=1
    )
    events = [released, returned(back), *parts]
    if booked:
        events.append(replace(returned(PAID), event_id="booked", kind=EventKind.BOOKED))
    shuffled = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(shuffled)
    assert rows(SUBJECT, events) == rows(SUBJECT, shuffled)
    balance: dict[str, int] = defaultdict(int)
    for row in rows(SUBJECT, shuffled):
        assert row.amount_minor > 0
        balance[row.debit] += row.amount_minor
        balance[row.credit] -= row.amount_minor
    proved = state_of(shuffled)
    by_hub = PAID - back - proved.borne_minor
    assert sum(balance.values()) == 0
    assert balance["charges/returns"] + balance["revenue/fx"] == by_hub
    assert -balance["returned/A"] == back + by_hub == PAID - proved.borne_minor
    assert balance["nostro/r/acc"] == back - (PAID if booked else 0)
    assert balance["in_transit/r"] == (0 if booked else -PAID)


def test_each_side_bears_its_own_banks_under_sha() -> None:
    """The hub bears what its bank kept and what nobody explains, the payee what others kept."""
    policy = ReturnPolicy(charges=Bearer.SHA, own_banks=frozenset({"COBADEFFXXX"}))
    hops = [
        Charge(amount_minor=7, currency="EUR", agent="CHASUS33XXX"),
        Charge(amount_minor=5, currency="EUR", agent="COBADEFF"),
    ]
    parts = parts_of(PAID - 20, hops, policy, exchanged=False)
    told = [(part.code, part.amount_minor) for part in parts]
    assert told == [("payee", 7), ("hub", 5), ("hub", 8)]
    lost = parts_of(PAID - 20, hops, replace(policy, fx_by_payee=True), exchanged=True)
    assert (lost[-1].code, lost[-1].amount_minor) == ("payee_fx", 8)
    assert "lost to the rate" in lost[-1].detail
