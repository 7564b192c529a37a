"""Every instant is in exactly one window, and the views see the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.size import examples

from settle.clearing import Agreements, Cutoff, window_of
from settle.clearing.cycles import Cycle, settles_in
from settle.clearing.lake import Lake, drafted
from settle.clearing.records import STORED
from settle.clearing.sifting import place, sifting_views
from settle.clearing.tally import count
from settle.clearing.unsettled import DEFERRED, Part, Unsettled
from settle.clearing.windows import microseconds, windows_by_utc_day
from settle.engine import Engine, violations

DAY = timedelta(days=1)
ZONES = ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Pacific/Apia", "America/Sao_Paulo"]  # fmt: skip
TIMES = [time(0), time(2, 30), time(17), time(23, 59, 59)]
CUTOFFS = st.builds(Cutoff, zone=st.sampled_from(ZONES), time=st.sampled_from(TIMES))
INSTANTS = st.datetimes(
    datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
CHANGES = st.sampled_from(
    [
        datetime(2024, 3, 31, 1, tzinfo=UTC),  # Berlin loses an hour
        datetime(2024, 10, 27, 1, tzinfo=UTC),  # and has it back
        datetime(2024, 11, 3, 6, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),  # Samoa loses a day
    ]
)
NEAR_CHANGES = st.builds(
    lambda at, off: at + timedelta(seconds=off), CHANGES, st.integers(-100_000, 100_000)
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@given(occurred_at=st.one_of(INSTANTS, NEAR_CHANGES), cutoff=CUTOFFS)
def test_an_instant_is_in_exactly_one_window(occurred_at: datetime, cutoff: Cutoff) -> None:
    """Windows neither overlap nor leave a gap, clock changes included."""
    day = window_of(occurred_at, cutoff)
    near = [day + DAY * n for n in range(-3, 4)]
    holding = [d for d in near if cutoff.ends_at(d - DAY) <= occurred_at < cutoff.ends_at(d)]
    assert holding == [day]


@given(day=st.dates(date(2012, 1, 2), date(2030, 1, 1)), cutoff=CUTOFFS)
def test_the_very_cut_off_belongs_to_the_next_window(day: date, cutoff: Cutoff) -> None:
    """A record at the instant of the cut-off is the next window's; a microsecond earlier is not."""
    end = cutoff.ends_at(day)
    assert day == window_of(end - timedelta(microseconds=1), cutoff)
    assert day + DAY == window_of(end, cutoff)


@settings(deadline=None, max_examples=examples(25, full=400))
@given(
    instants=st.lists(st.one_of(INSTANTS, NEAR_CHANGES), min_size=1, max_size=30), cutoff=CUTOFFS
)
def test_the_view_puts_records_where_the_function_does(
    engine: Engine, instants: list[datetime], cutoff: Cutoff
) -> None:
    """The joined calendar and the pure function are twins, at the edges too."""
    edges = [cutoff.ends_at(window_of(at, cutoff)) for at in instants]
    all_of_them = [*instants, *edges, *(edge - timedelta(microseconds=1) for edge in edges)]
    days = [window_of(at, cutoff) for at in all_of_them]
    expected = {str(n): day.isoformat() for n, day in enumerate(days)}
    with engine.scratch() as scratch:
        scratch.give(
            "fresh",
            pa.table(
                {
                    "record_id": [str(n) for n in range(len(all_of_them))],
                    "occurred_at": pa.array(all_of_them, pa.timestamp("us", tz="UTC")),
                }
            ),
        )
        scratch.give("windows", windows_by_utc_day(min(days), max(days), cutoff=cutoff))
        scratch.step("windowed", sifting_views()["windowed"])
        rows = scratch.rows("select record_id, occurred_window from windowed").to_pylist()
    assert len(all_of_them) == len(rows)
    assert expected == {row["record_id"]: row["occurred_window"] for row in rows}


@pytest.mark.parametrize("name", sifting_views())
def test_the_views_of_a_window_are_portable(name: str) -> None:
    """Every engine can run them."""
    assert not violations(sifting_views()[name])


def test_a_window_of_shanghai_ends_at_sixteen_utc() -> None:
    """The default window is a business day of UTC+8."""
    assert datetime(2024, 12, 18, 16, tzinfo=UTC) == Cutoff().ends_at(date(2024, 12, 18))
    assert date(2024, 12, 19) == window_of(datetime(2024, 12, 18, 16, tzinfo=UTC), Cutoff())


def test_microseconds_are_exact() -> None:
    """An instant in columns is the same instant."""
    at = datetime(2024, 12, 18, 23, 59, 59, 999_999, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert microseconds(at) == 1_734_537_599_999_999


MERCHANTS = {
    "M1": {"cycle": "T+1"},
    "M2": {"cycle": "T+2", "hub_role": "agent"},
    "M3": {"cycle": "W+2", "conversion": "none"},
    "M4": {"cycle": "M+2", "hub_role": "agent"},
    "M5": {"cycle": "T+1", "conversion": "next_day", "hub_role": "agent"},
    "M6": {"cycle": "T+1", "refund_rate": "next_day"},
}
PROMPT = {"M1": MERCHANTS["M1"], "M2": {"cycle": "T+1", "hub_role": "agent"}}
START = date(2024, 12, 20)


def agreements_of(merchants: Mapping[str, Mapping[str, str]]) -> Agreements:
    terms = {
        "settlement_currency": "EUR", "fee_ppm": 0, "fee_fixed_minor": 0, "tax_ppm": 0,
        "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0,
        "payout_minimum_minor": 0, "fx_markup_ppm": 0, "rounding": "half_even",
        "hub_role": "principal", "valid_from": date(2024, 1, 1), "beneficiary_name": "n",
        "beneficiary_country": "DE", "beneficiary_town": "Ulm", "beneficiary_account": "DE00",
        "beneficiary_bic": None, "beneficiary_bank_code": None, "cycle": "T+1",
        "conversion": "locked", "refund_rate": "request_day",
    }  # fmt: skip
    rows = [
        {**terms, "agreement_id": f"A-{name}", "participant_id": name, "role": "merchant", **own}
        for name, own in merchants.items()
    ]
    partners = [
        {**terms, "agreement_id": f"A-{name}", "participant_id": name, "role": "partner"}
        for name in ("P1", "P2")
    ]
    return Agreements.of(pa.Table.from_pylist([*rows, *partners]))


@st.composite
def nights(draw: st.DrawFn) -> dict[str, Any]:
    """Batches that come before each close, who fails in it, and what is withdrawn after it."""
    merchants = draw(st.sampled_from([MERCHANTS, PROMPT]))
    one = st.fixed_dictionaries(
        {
            "merchant": st.sampled_from(sorted(merchants)),
            "partner": st.sampled_from(["P1", "P2"]),
            "kind": st.sampled_from(["sale", "refund", "fee"]),
            "currency": st.sampled_from(["EUR", "JPY"]),
            "day": st.integers(-3, 1),
        }
    )
    close = st.fixed_dictionaries(
        {
            "skip": st.integers(1, 4),
            "batches": st.lists(st.lists(one, min_size=1, max_size=6), max_size=2),
            "failed": st.sampled_from([(), (), ("M2",), ("P1",), ("M1", "P2")]),
            "withdraws": st.booleans(),
        }
    )
    return {"merchants": merchants, "closes": draw(st.lists(close, min_size=1, max_size=4))}


def expected_window(record: Mapping[str, Any], terms: Mapping[str, str]) -> date:
    conversion = terms.get("conversion", "locked")
    refund_rate = terms.get("refund_rate", "request_day")
    if record["kind"] == "refund" and conversion != "none":
        conversion = {"request_day": "locked", "next_day": "next_day"}[refund_rate]
    currency = record["currency"] if conversion == "none" else "EUR"
    return settles_in(record["occurred"], Cycle(terms["cycle"], currency, conversion))


class Model:
    """The same in plain Python: which records are open, and which of them a close takes."""

    def __init__(self, merchants: Mapping[str, Mapping[str, str]]) -> None:
        self.merchants = merchants
        self.open: dict[str, Mapping[str, Any]] = {}

    def close(self, day: date, failed: Sequence[str]) -> dict[str, tuple[str, str]]:
        taken = {}
        for name, record in self.open.items():
            terms = self.merchants[record["merchant"]]
            window = expected_window(record, terms)
            parties = {record["merchant"], record["partner"]}
            is_out = terms.get("hub_role") == "agent" and parties & set(failed)
            if window <= day and not is_out:
                reason = "on_time" if window == day else "late"
                taken[name] = (record["occurred"].isoformat(), reason)
        for name in taken:
            del self.open[name]
        return taken


class Lakes:
    """A lake without a store: batches come, closes sift them and leave the rest."""

    def __init__(self, folder: Path, engine: Engine, agreements: Agreements) -> None:
        self.lake, self.engine, self.agreements = Lake(folder), engine, agreements
        self.fresh: dict[str, int] = {}
        self.parts: list[Part] = []
        self.withdrawn: dict[str, str] = {}
        self.batch_of: dict[str, str] = {}
        self.batches = 0

    def take(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        batch_id = f"b{self.batches}"
        self.batches += 1
        rows = [
            {
                **dict.fromkeys(STORED), "row": n, "record_id": name,
                "participant_id": record["merchant"], "agreement_id": f"A-{record['merchant']}",
                "counterparty_id": record["partner"], "kind": record["kind"], "amount_minor": 1,
                "currency": record["currency"], "content": name, "batch_id": batch_id,
                "occurred_at": Cutoff().ends_at(record["occurred"]) - timedelta(hours=n + 1),
            }
            for n, (name, record) in enumerate(records.items())
        ]  # fmt: skip
        place_of = self.lake.accepted(batch_id)
        place_of.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows, SCHEMA), place_of)
        self.fresh[batch_id] = len(rows)
        self.batch_of |= dict.fromkeys(records, batch_id)

    def close(self, day: date, failed: Sequence[str]) -> dict[str, tuple[str, str]]:
        unsettled = Unsettled(
            lake=self.lake, fresh=self.fresh, parts=self.parts, withdrawn=self.withdrawn
        )
        with self.engine.scratch() as scratch:
            placed = place(
                scratch, unsettled, day=day, cutoff=Cutoff(), agreements=self.agreements,
                failed=failed,
            )  # fmt: skip
            counted = count(scratch, placed)
            rows = scratch.rows("select record_id, occurred_window, reason from records")
            if counted.left:
                kept = ", ".join(name for name in DEFERRED if name != "deferred_in")
                left = f"select {kept}, '{day}' as deferred_in from left_over"
                drafted(scratch, left, self.lake.deferred(str(day))).publish()
        taken = {
            row["record_id"]: (row["occurred_window"], row["reason"]) for row in rows.to_pylist()
        }
        assert len(taken) == rows.num_rows == sum(counted.settled.values())
        assert counted.late == sum(reason == "late" for _, reason in taken.values())
        self.fresh = {}
        self.parts = [part for part in self.parts if part.settles_in > str(day)]
        self.parts += [Part(str(day), to, n) for to, n in counted.left.items()]
        return taken


SCHEMA = pa.schema(
    [
        (name, {"bigint": pa.int64(), "timestamptz": pa.timestamp("us", tz="UTC")}.get(
            kind, pa.string()))
        for name, kind in STORED.items()
    ]
)  # fmt: skip


@settings(
    deadline=None, max_examples=examples(15, full=100), suppress_health_check=[HealthCheck.too_slow]
)
@given(night=nights())
def test_each_record_settles_once_in_the_window_of_its_cycle(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, night: Mapping[str, Any]
) -> None:
    """Whoever fails, whatever is late or withdrawn: the views take what plain Python takes."""
    model = Model(night["merchants"])
    folder = tmp_path_factory.mktemp("lake")
    lakes = Lakes(folder, engine, agreements_of(night["merchants"]))
    day, number = START, 0
    for close in night["closes"]:
        day += DAY * close["skip"]
        for batch in close["batches"]:
            records = {
                f"r{number + n}": {**record, "occurred": day + DAY * record["day"]}
                for n, record in enumerate(batch)
            }
            number += len(records)
            lakes.take(records)
            model.open |= records
        failed = [name for name in close["failed"] if name[0] == "P" or name in night["merchants"]]
        if close["withdraws"] and model.open:
            gone = max(model.open)
            del model.open[gone]
            lakes.withdrawn[gone] = lakes.batch_of[gone]
        assert model.close(day, failed) == lakes.close(day, failed)
    last = day + timedelta(days=80)
    everything = dict(model.open)
    assert model.close(last, ()) == lakes.close(last, ())
    assert not model.open, everything
