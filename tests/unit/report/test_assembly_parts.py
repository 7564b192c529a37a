"""The pure parts of the assembly: conversion of parts, endings, arrows, the exit code."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.ledger import Proof
from settle.money import Rate, Rounding, allocate, convert
from settle.payments import EventKind, State
from settle.report import (
    Breaks,
    ExceptionKind,
    ExitCode,
    Intake,
    PaymentException,
    Payments,
    StateCount,
)
from settle.report.assembly import NightFacts
from settle.report.assembly.conversion import converted
from settle.report.assembly.flows import KEPT, PLACES, arrows
from settle.report.assembly.morning import exit_code
from settle.report.assembly.settled import fate
from settle.report.assembly.story import Happened, told
from settle.report.assembly.unknowns import ending
from settle.report.assembly.wire import Failure, together

BEGAN = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
NIGHT = NightFacts(
    tenant="demo", day=date(2024, 12, 19), began_at=BEGAN, next_began_at=BEGAN + timedelta(days=1)
)
AMOUNTS = st.integers(-(10**12), 10**12)


@given(
    st.dictionaries(st.sampled_from("abcdef"), AMOUNTS, min_size=1),
    st.integers(1, 10**13),
    st.sampled_from(list(Rounding)),
)
def test_converted_parts_sum_to_the_converted_whole(
    parts: dict[str, int], value_e8: int, rounding: Rounding
) -> None:
    """Whatever the signs, the parts give the bucket's total, each within a unit of its share."""
    rate = Rate(base="EUR", quote="USD", value_e8=value_e8, as_of=NIGHT.day, source="")
    total = convert(sum(parts.values()), rate, rounding=rounding)

    shown = converted(parts, rate, total_minor=total)

    assert total == sum(shown.values())
    value = Fraction(*rate.factor)
    rest = total - sum(parts.values()) * value
    sizes = sum(map(abs, parts.values()))
    for name, amount in parts.items() if sizes else ():
        assert abs(shown[name] - (amount * value + rest * abs(amount) / sizes)) < 1
        assert amount or shown[name] == 0


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**12), min_size=1).filter(
        lambda parts: any(parts.values())
    ),
    st.integers(1, 10**13),
    st.integers(0, 10**13),
)
def test_parts_of_one_sign_are_allocated(
    parts: dict[str, int], value_e8: int, total_minor: int
) -> None:
    """Without a negative part this is the library's own largest remainder, for any total."""
    rate = Rate(base="EUR", quote="JPY", value_e8=value_e8, as_of=NIGHT.day, source="")
    names = sorted(parts)
    expected = dict(zip(names, allocate(total_minor, [parts[name] for name in names]), strict=True))

    assert expected == converted(parts, rate, total_minor=total_minor)


@given(
    st.dictionaries(st.sampled_from("abcdef"), AMOUNTS, min_size=1),
    st.integers(-300, 300),
    st.randoms(),
)
def test_parts_do_not_depend_on_their_order(
    parts: dict[str, int], missed_minor: int, chance: random.Random
) -> None:
    """However many buckets were rounded, the sum is exact, and ties go by name alone."""
    rate = Rate(base="EUR", quote="JPY", value_e8=16_111_000_000, as_of=NIGHT.day, source="")
    total = convert(sum(parts.values()), rate, rounding=Rounding.DOWN) + missed_minor
    names = list(parts)
    chance.shuffle(names)

    shown = converted(parts, rate, total_minor=total)

    assert total == sum(shown.values())
    assert shown == converted({name: parts[name] for name in names}, rate, total_minor=total)


def test_what_rounding_left_out_goes_to_the_largest_remainder() -> None:
    """Of 33⅓, 33⅓ and -16⅔ yen that make 50, the part that loses most by being cut gains one."""
    rate = Rate(base="JPY", quote="KRW", value_e8=33_333_333, as_of=NIGHT.day, source="")

    shown = converted({"sales": 100, "fees": -50, "tax": 100}, rate, total_minor=50)

    assert {"sales": 33, "fees": -16, "tax": 33} == shown


MOVES = st.dictionaries(
    st.tuples(
        st.sampled_from(["EUR", "JPY"]),
        st.sampled_from(["deposit", "clearing", "payable", "in_transit"]),
        st.sampled_from(["deposit", "clearing", "payable", "in_transit"]),
    ).filter(lambda key: key[1] != key[2]),
    st.integers(1, 10**12),
    min_size=1,
)


@given(MOVES, st.dictionaries(st.sampled_from(list(KEPT)), AMOUNTS))
def test_each_place_takes_in_what_it_gives_away(
    moves: dict[tuple[str, str, str], int], held: dict[str, int]
) -> None:
    """With what it held before and holds after, what comes to a place equals what leaves it."""
    after = {
        (currency, part): amount for currency in ("EUR", "JPY") for part, amount in held.items()
    }

    drawn = arrows(moves, after=after)

    for currency in {key[0] for key in moves}:
        for part in KEPT:
            name = PLACES[part][0]
            of = [flow for flow in drawn if flow.currency == currency]
            coming = sum(flow.amount_minor for flow in of if flow.target == name)
            going = sum(flow.amount_minor for flow in of if flow.source == name)
            assert coming == going


@given(MOVES)
def test_arrows_join_two_places_one_way_only(moves: dict[tuple[str, str, str], int]) -> None:
    """What goes back and forth is told as the difference."""
    drawn = {(flow.currency, flow.source, flow.target) for flow in arrows(moves, after={})}

    assert not {(currency, target, source) for currency, source, target in drawn} & drawn
    assert all(flow.amount_minor > 0 for flow in arrows(moves, after={}))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, "waiting"), (State.PLANNED, "waiting"), (State.SCHEDULED, "waiting"),
        (State.REJECTED, "waiting"), (State.FAILED, "waiting"), (State.SENDING, "on_the_way"),
        (State.UNKNOWN, "on_the_way"), (State.ACCEPTED, "on_the_way"), (State.BOOKED, "paid"),
        (State.CREDITED, "paid"), (State.RETURNED, "returned"),
    ],
)  # fmt: skip
def test_an_obligation_has_the_fate_of_its_payment(state: State | None, expected: str) -> None:
    """Accepted is not paid, unknown is on the way, and what nobody sent waits."""
    assert expected == fate(state)


def events(*kinds: tuple[EventKind, str]) -> list[Happened]:
    return [
        Happened(
            payment_id="P", kind=kind, recorded_at=BEGAN + timedelta(seconds=nth), source=source,
            amount_minor=None, code="", detail="ref",
        )
        for nth, (kind, source) in enumerate(kinds)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (events((EventKind.UNKNOWN, "engine")), None),
        (events((EventKind.ACCEPTED, "submit")), None),
        (
            events((EventKind.UNKNOWN, "engine"), (EventKind.ACCEPTED, "find")),
            "accepted, as asking the rail showed",
        ),
        (
            events((EventKind.UNKNOWN, "engine"), (EventKind.RESENT, "engine"),
                   (EventKind.ACCEPTED, "submit")),
            "sent again under the same key and accepted",
        ),
        (
            events((EventKind.BOOKED, "statement"), (EventKind.UNKNOWN, "engine")),
            "booked, as the bank's statement showed",
        ),
    ],
)  # fmt: skip
def test_an_unknown_ends_with_its_evidence(seen: Sequence[Happened], expected: str | None) -> None:
    """How it ended names the source; without evidence it has not ended."""
    found = ending(seen, NIGHT)

    assert expected == (found.how if found else None)


def test_an_unknown_that_ended_another_night_is_not_told_again() -> None:
    """Only what began or ended in this night belongs to it."""
    seen = events((EventKind.UNKNOWN, "engine"), (EventKind.ACCEPTED, "find"))
    later = NightFacts(tenant="demo", day=date(2024, 12, 20), began_at=BEGAN + timedelta(days=1))

    assert ending(seen, NIGHT) is not None
    assert ending(seen, later) is None


def test_a_story_says_where_evidence_came_from() -> None:
    """A fact names its source and reference; the approval's fingerprint is not for people."""
    [approved, accepted] = events((EventKind.APPROVED, "engine"), (EventKind.ACCEPTED, "find"))

    assert told(approved, currency="EUR").what == "approved: ref"
    assert told(accepted, currency="EUR").what == "accepted, by asking the rail (ref)"


def failure(number: int, *, state: str) -> Failure:
    return Failure(
        kind="503_storm", rail="lark", request="POST /payments", status=503, moves=True,
        at=BEGAN + timedelta(seconds=number), states={f"P{number}": state},
    )  # fmt: skip


def test_an_incident_stays_open_while_a_payment_is_unknown() -> None:
    """One payment of thirty that nobody can tell keeps the whole incident open."""
    told_open = together([failure(1, state="accepted"), failure(2, state="unknown")], {})
    told_closed = together([failure(1, state="accepted"), failure(2, state="accepted")], {})

    assert not told_open.closed
    assert told_closed.closed
    assert "lark answered 503 to POST /payments, 2 times within 2 seconds" == told_closed.what
    assert "2 payments accepted" == told_closed.now


def code(night: NightFacts = NIGHT, *, quarantined: int = 0, state: str = "accepted",
         holds: bool = True, shown: Sequence[PaymentException] = ()) -> ExitCode:  # fmt: skip
    states = [StateCount(rail="r", currency="EUR", state=state, count=1, amount_minor=1)]
    proof = Proof(
        name="trial balance", currency="EUR", subject="all", ledger_minor=0, other_minor=0,
        holds=holds,
    )  # fmt: skip
    return exit_code(
        night, intake=Intake(records_in=quarantined, quarantined=quarantined),
        payments=Payments.of(states, shown), breaks=Breaks(), proofs=(proof,),
    )  # fmt: skip


def test_the_exit_code_is_the_highest_that_applies() -> None:
    """Clean, open, bad input, rail down: each outweighs the ones before it."""
    refused = NightFacts(
        tenant="demo", day=NIGHT.day, began_at=BEGAN, refusals=("records.csv: not a CSV file",)
    )
    down = NightFacts(tenant="demo", day=NIGHT.day, began_at=BEGAN, rails_down={"r": "refused"})

    contradicted = PaymentException(
        kind=ExceptionKind.CONTRADICTION, payment_id="P", agreement_id="A", beneficiary="B",
        rail="r", currency="EUR", amount_minor=1, state="booked",
    )  # fmt: skip

    assert code() is ExitCode.CLEAN
    assert code(shown=[contradicted]) is ExitCode.OPEN
    assert code(shown=[replace(contradicted, kind=ExceptionKind.UNKNOWN_CLOSED)]) is ExitCode.CLEAN
    assert code(holds=False) is ExitCode.OPEN
    assert code(state="approved") is ExitCode.OPEN
    assert code(quarantined=1, holds=False) is ExitCode.BAD_INPUT
    assert code(refused) is ExitCode.BAD_INPUT
    assert code(down, quarantined=1) is ExitCode.RAIL_DOWN
