"""Matching keeps its promises for any lines and payments, and the checks bite broken matchers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.size import IS_FULL, examples

from settle.engine import Engine
from settle.reconciliation.passes import judge
from settle.reconciliation.receipts import RECEIPT_RULES

DAY = date(2024, 12, 19)
Row = dict[str, Any]

LINES = pa.schema(
    [
        *((name, pa.string()) for name in (
            "line_id", "line_ref", "rail", "account", "currency", "kind", "end_to_end_id", "uetr",
            "batch_id", "rail_reference", "counterparty", "remittance_information",
            "reference_names",
        )),
        ("amount_minor", pa.int64()), ("charges_minor", pa.int64()), ("batch_count", pa.int64()),
        ("booked_on", pa.date32()), ("value_on", pa.date32()),
    ]
)  # fmt: skip
PAYMENTS = pa.schema(
    [
        *((name, pa.string()) for name in (
            "payment_id", "rail", "account", "currency", "end_to_end_id", "uetr", "batch_id",
            "idempotency_key", "state", "beneficiary_name",
        )),
        ("amount_minor", pa.int64()), ("value_date", pa.date32()), ("released_on", pa.date32()),
    ]
)  # fmt: skip
TAKEN = pa.schema([("payment_id", pa.string()), ("leg", pa.string())])


@dataclass(frozen=True, slots=True)
class Found:
    """One leg of one payment, said to be explained by a line."""

    line_id: str
    payment_id: str
    leg: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a matcher says: what it matched, what it received, what it left."""

    found: frozenset[Found]
    receipts: frozenset[str]
    left: frozenset[str]


@dataclass(frozen=True, slots=True)
class World:
    """Lines and payments of one night."""

    lines: tuple[Row, ...]
    payments: tuple[Row, ...]


Matcher = Callable[[World], Answer]
Check = Callable[[World, Answer], Iterator[str]]


def payment(name: str, amount: int, currency: str = "EUR", batch: str | None = None) -> Row:
    """A payment that the rail accepted."""
    return {
        "payment_id": name, "rail": "paper", "account": "ACC", "currency": currency,
        "end_to_end_id": f"E-{name}", "uetr": f"U-{name}", "batch_id": batch,
        "idempotency_key": f"K-{name}", "state": "accepted", "amount_minor": amount,
        "value_date": DAY, "released_on": DAY,
    }  # fmt: skip


def line(name: str, amount: int, currency: str = "EUR", **more: Any) -> Row:
    """A line of the bank; a debit is negative."""
    return {
        "line_id": name, "line_ref": name, "rail": "paper", "account": "ACC",
        "currency": currency, "kind": "transfer", "end_to_end_id": None, "uetr": None,
        "batch_id": None, "rail_reference": None, "counterparty": "",
        "remittance_information": "", "reference_names": "{}", "amount_minor": amount,
        "charges_minor": 0, "batch_count": 1, "booked_on": DAY, "value_on": DAY, **more,
    }  # fmt: skip


def settled(engine: Engine) -> Matcher:
    """The matcher of this library."""

    def run(world: World) -> Answer:
        judgement = judge(
            engine,
            lines=pa.Table.from_pylist(list(world.lines), schema=LINES),
            payments=pa.Table.from_pylist(list(world.payments), schema=PAYMENTS),
            taken=pa.Table.from_pylist([], schema=TAKEN),
            rules=RECEIPT_RULES,
        )
        return Answer(
            found=frozenset(
                Found(row["line_id"], row["payment_id"], row["leg"]) for row in judgement.matched
            ),
            receipts=frozenset(row["line_id"] for row in judgement.receipts),
            left=frozenset(row["line_id"] for row in judgement.unexplained),
        )

    return run


def booked_sums(world: World, answer: Answer) -> Iterator[str]:
    """A debit is the exact sum of its payments, on their account and in their currency."""
    payments = {row["payment_id"]: row for row in world.payments}
    by_line = defaultdict(list)
    for found in answer.found:
        if found.leg == "booking":
            by_line[found.line_id].append(payments[found.payment_id])
    for row in world.lines:
        booked = by_line.get(row["line_id"], [])
        if any(p["currency"] != row["currency"] for p in booked):
            yield f"{row['line_id']} is matched across currencies"
        if booked and sum(p["amount_minor"] for p in booked) != -row["amount_minor"]:
            yield f"{row['line_id']} is not the sum of what it is said to book"


def used_once(world: World, answer: Answer) -> Iterator[str]:
    """No leg of a payment has two lines, and no line books and returns."""
    uses = Counter((found.payment_id, found.leg) for found in answer.found)
    yield from (f"{leg} is used {times} times" for leg, times in uses.items() if times > 1)
    legs = defaultdict(set)
    for found in answer.found:
        legs[found.line_id].add(found.leg)
    yield from (f"{name} is of two legs" for name, kinds in legs.items() if len(kinds) > 1)


def nothing_lost(world: World, answer: Answer) -> Iterator[str]:
    """Every line is matched, received or left, and only one of them; so are the amounts."""
    matched = {found.line_id for found in answer.found}
    said = Counter([*matched, *answer.receipts, *answer.left])
    if said != Counter(row["line_id"] for row in world.lines):
        yield "lines are not matched plus received plus left"


def twins_refused(world: World, answer: Answer) -> Iterator[str]:
    """A line without reference is matched only where no other payment or line fits as well."""
    bare = {row["line_id"]: row for row in world.lines if is_bare(row)}
    by_reference = {f.payment_id for f in answer.found if f.line_id not in bare}
    open_payments = [p for p in world.payments if p["payment_id"] not in by_reference]
    for found in answer.found:
        row = bare.get(found.line_id)
        if row is None or row["batch_count"] != 1:
            continue
        rivals = [p for p in open_payments if fits(row, p)]
        others = [other for other in bare.values() if fits(other, rivals[0])] if rivals else []
        if len(rivals) != 1 or len(others) != 1:
            yield f"{found.line_id} is matched to a twin"


def exact_found(world: World, answer: Answer) -> Iterator[str]:
    """The only line with a payment's reference, account, currency and amount is its booking."""
    naming = defaultdict(list)
    for row in world.lines:
        naming[row["end_to_end_id"]].append(row)
    for p in world.payments:
        rows = [r for r in naming[p["end_to_end_id"]] if r["amount_minor"] == -p["amount_minor"]]
        if len(rows) == 1 and rows[0]["currency"] == p["currency"]:
            expected = Found(rows[0]["line_id"], p["payment_id"], "booking")
            if expected not in answer.found:
                yield f"{p['payment_id']} is not found by its reference"


def is_bare(row: Row) -> bool:
    """Whether a line is a debit without any reference."""
    return row["end_to_end_id"] is None and row["batch_id"] is None and row["amount_minor"] < 0


def fits(row: Row, p: Row) -> bool:
    """Whether a payment is of the line's amount and currency."""
    return bool(row["amount_minor"] == -p["amount_minor"] and row["currency"] == p["currency"])


CHECKS: dict[str, Check] = {
    "booked sums": booked_sums,
    "used once": used_once,
    "nothing lost": nothing_lost,
    "twins refused": twins_refused,
    "exact found": exact_found,
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all examples."""
    engine = Engine(threads=1)
    yield engine
    engine.close()


CURRENCIES = st.sampled_from(["EUR", "EUR", "USD", "JPY"])
STYLES = ("exact", "bare", "absent", "twice", "returned", "short", "cent", "text")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Payments of few different amounts, booked in the ways banks do, and lines of nobody."""
    payments, lines = list[Row](), list[Row]()
    for number in range(draw(st.integers(0, 12))):
        amount = draw(st.sampled_from([100, 100, 250, 999, 10**15]))
        batch = draw(st.sampled_from([None, None, "B1", "B2"]))
        currency = draw(CURRENCIES)
        payments.append(payment(f"P{number:02}", amount, currency, batch and f"{batch}{currency}"))
    for batch, members in grouped(payments).items():
        if batch is not None and draw(st.booleans()):
            total = sum(p["amount_minor"] for p in members)
            named = draw(st.booleans())
            lines.append(
                line(f"L-{batch}", -total, members[0]["currency"], batch_count=len(members),
                     batch_id=batch if named else None)
            )  # fmt: skip
            continue
        for p in members:
            lines += booked(p, draw(st.sampled_from(STYLES)))
    for number in range(draw(st.integers(0, 3))):
        amount = draw(st.sampled_from([-100, -250, 40, 999]))
        lines.append(line(f"X{number}", amount, draw(CURRENCIES)))
    return World(tuple(lines), tuple(payments))


def grouped(payments: Sequence[Row]) -> dict[str | None, list[Row]]:
    """Payments by batch."""
    groups = defaultdict(list)
    for p in payments:
        groups[p["batch_id"]].append(p)
    return groups


def booked(p: Row, style: str) -> list[Row]:
    """How a bank books a payment, in one style."""
    name, amount, currency = p["payment_id"], p["amount_minor"], p["currency"]
    own = line(f"L-{name}", -amount, currency, end_to_end_id=p["end_to_end_id"])
    back = own | {"line_id": f"R-{name}", "kind": "return"}
    styles = {
        "absent": [],
        "bare": [own | {"end_to_end_id": None}],
        "cent": [own | {"amount_minor": -amount - 1}],
        "twice": [own, own | {"line_id": f"M-{name}"}],
        "text": [line(f"L-{name}", amount, currency, remittance_information="DEPOSIT W-1")],
        "returned": [own, back | {"amount_minor": amount}],
        "short": [own, back | {"amount_minor": amount - 7}],
        "exact": [own],
    }
    return styles[style]


@settings(
    max_examples=examples(40, full=400), deadline=None, derandomize=not IS_FULL,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(world=worlds(), seed=st.integers(0, 9))
def test_any_night_passes_every_check_in_any_order(engine: Engine, world: World, seed: int) -> None:
    """Whatever is booked, every check holds, and shuffled lines and payments give the same."""
    matcher = settled(engine)
    answer = matcher(world)
    found = [what for check in CHECKS.values() for what in check(world, answer)]
    assert not found
    assert answer == matcher(shuffled(world, seed))


def shuffled(world: World, seed: int) -> World:
    """The same world in another order."""
    chance = Random(seed)
    lines, payments = list(world.lines), list(world.payments)
    chance.shuffle(lines)
    chance.shuffle(payments)
    return World(tuple(lines), tuple(payments))


def greedy(world: World) -> Answer:
    """Broken: takes the first payment of the amount, twins or not."""
    free = list(world.payments)
    found = set()
    for row in world.lines:
        for p in free:
            if fits(row, p):
                found.add(Found(row["line_id"], p["payment_id"], "booking"))
                free.remove(p)
                break
    return answer_of(world, found)


def blind_to_currency(world: World) -> Answer:
    """Broken: a number is a number."""
    return by_reference(world, lambda row, p: row["amount_minor"] == -p["amount_minor"])


def tolerant(world: World) -> Answer:
    """Broken: equal enough, as a float."""
    return by_reference(
        world, lambda row, p: abs(row["amount_minor"] / p["amount_minor"] + 1.0) < 1e-9
    )


def generous(world: World) -> Answer:
    """Broken: a payment may be booked by every line that names it."""
    return by_reference(world, fits)


def forgetful(world: World) -> Answer:
    """Broken: what it cannot match it does not mention."""
    answer = by_reference(world, fits)
    return Answer(answer.found, answer.receipts, frozenset())


def timid(world: World) -> Answer:
    """Broken: matches nothing, to be on the safe side."""
    return answer_of(world, set())


def by_reference(world: World, equal: Callable[[Row, Row], bool]) -> Answer:
    """Matches on the EndToEndId where the amounts are equal in somebody's opinion."""
    return answer_of(
        world,
        {
            Found(row["line_id"], p["payment_id"], "booking")
            for row in world.lines
            for p in world.payments
            if row["end_to_end_id"] == p["end_to_end_id"] and equal(row, p)
        },
    )


def answer_of(world: World, found: set[Found]) -> Answer:
    """An answer that leaves what was not found."""
    matched = {one.line_id for one in found}
    left = frozenset(row["line_id"] for row in world.lines) - matched
    return Answer(frozenset(found), frozenset(), left)


TWINS = World(
    (line("L1", -100), line("L2", -100)),
    (payment("P1", 100), payment("P2", 100)),
)
TWO_CURRENCIES = World((line("L1", -100, "JPY", end_to_end_id="E-P1"),), (payment("P1", 100),))
ONE_UNIT_OF_MANY = World(
    (line("L1", -(10**15) - 1, end_to_end_id="E-P1"),), (payment("P1", 10**15),)
)
BOOKED_TWICE = World(
    (line("L1", -100, end_to_end_id="E-P1"), line("L2", -100, end_to_end_id="E-P1")),
    (payment("P1", 100),),
)
STRANGER = World((line("X1", -5),), ())
PLAIN = World((line("L1", -100, end_to_end_id="E-P1"),), (payment("P1", 100),))

BROKEN: list[tuple[Matcher, World, str]] = [
    (greedy, TWINS, "twins refused"),
    (blind_to_currency, TWO_CURRENCIES, "booked sums"),
    (tolerant, ONE_UNIT_OF_MANY, "booked sums"),
    (generous, BOOKED_TWICE, "used once"),
    (forgetful, STRANGER, "nothing lost"),
    (timid, PLAIN, "exact found"),
]


@pytest.mark.parametrize(("broken", "world", "name"), BROKEN)
def test_a_broken_matcher_fails_its_named_check(
    engine: Engine, broken: Matcher, world: World, name: str
) -> None:
    """Each planted mistake is seen by the check that is there for it, and ours is not."""
    assert list(CHECKS[name](world, broken(world)))
    assert not list(CHECKS[name](world, settled(engine)(world)))


def test_indistinguishable_twins_are_left_with_all_their_explanations(engine: Engine) -> None:
    """Both lines are refused, and each names both payments it could be."""
    judgement = judge(
        engine,
        lines=pa.Table.from_pylist(list(TWINS.lines), schema=LINES),
        payments=pa.Table.from_pylist(list(TWINS.payments), schema=PAYMENTS),
        taken=pa.Table.from_pylist([], schema=TAKEN),
        rules=(),
    )
    both = ["P1", "P2"]
    reasons = [row["reason"] for row in judgement.unexplained]
    weighed = {
        name: [row["explanation"] for row in rows] for name, rows in judgement.alternatives.items()
    }
    assert dict.fromkeys(("L1", "L2"), both) == weighed
    assert 2 * ["not_unique"] == reasons
