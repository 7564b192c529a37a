"""Every record is accepted, a duplicate, or quarantined with its reason."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.clearing import Agreements, Cutoff, Intake, Rates, close, take
from settle.clearing.lake import Lake
from settle.clearing.settled import settled_records
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
HEADER = "record_id,participant_id,agreement_id,counterparty_id,kind,amount,currency,occurred_at"
AGREEMENTS = [
    {
        "agreement_id": f"A-{name}", "participant_id": name, "role": role,
        "settlement_currency": "EUR", "fee_ppm": 10_000, "fee_fixed_minor": 0, "tax_ppm": 0,
        "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0,
        "payout_minimum_minor": 0, "fx_markup_ppm": 0, "rounding": "half_even",
        "hub_role": "principal", "valid_from": date(2024, 1, 1), "beneficiary_name": name,
        "beneficiary_country": "DE", "beneficiary_town": "Ulm", "beneficiary_account": "DE00",
        "beneficiary_bic": None, "beneficiary_bank_code": None,
    }
    for name, role in (("M1", "merchant"), ("M2", "merchant"), ("P1", "partner"))
]  # fmt: skip
GOOD = {
    "record_id": "r1", "participant_id": "M1", "agreement_id": "A-M1", "counterparty_id": "P1",
    "kind": "sale", "amount": "12.34", "currency": "EUR", "occurred_at": "2024-12-18T09:00:00Z",
}  # fmt: skip
Take = Callable[..., Intake]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def agreements() -> Agreements:
    return Agreements.of(pa.Table.from_pylist(AGREEMENTS))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'one.db'}")
    yield opened
    opened.close()


def taker(store: Store, *, engine: Engine, agreements: Agreements, lake: Path) -> Take:
    def taken(source: Any, name: str = "batch", now: datetime = NOW) -> Intake:
        return take(
            source, name=name, received_at=now, store=store, engine=engine, lake=lake,
            agreements=agreements,
        )  # fmt: skip

    return taken


@pytest.fixture
def taking(fresh: Store, engine: Engine, agreements: Agreements, tmp_path: Path) -> Take:
    return taker(fresh, engine=engine, agreements=agreements, lake=tmp_path / "lake")


WRONG = [
    ("record_id", "", "id_missing"),
    ("kind", "gift", "kind_unknown"),
    ("currency", "USX", "currency_unknown"),
    ("amount", "", "amount_missing"),
    ("amount", 12.5, "amount_is_a_float"),
    ("amount", float("nan"), "amount_is_a_float"),
    ("amount", "NaN", "amount_not_finite"),
    ("amount", "Infinity", "amount_not_finite"),
    ("amount", Decimal("NaN"), "amount_not_finite"),
    ("amount", "ten", "amount_not_a_number"),
    ("amount", "1e3000", "amount_not_a_number"),
    ("amount", "1,000.00", "amount_not_a_number"),
    ("amount", True, "amount_not_a_number"),
    ("amount", "12.345", "amount_has_too_many_decimals"),
    ("amount", "92233720368547758.08", "amount_too_large"),
    ("amount", "9" * 60, "amount_too_large"),
    ("amount", "-5.00", "amount_negative"),
    ("amount", "0.00", "amount_zero"),
    ("occurred_at", "18/12/2024 at noon", "occurred_at_unreadable"),
    ("occurred_at", "2024-02-30T09:00:00Z", "occurred_at_unreadable"),
    ("occurred_at", "2024-12-18T09:00:00", "occurred_at_unreadable"),
    ("occurred_at", "1999-12-31T23:59:59Z", "occurred_at_too_early"),
    ("occurred_at", "2024-12-18T16:30:00.000001Z", "occurred_at_in_the_future"),
    ("participant_id", "M9", "participant_unknown"),
    ("agreement_id", "A-M9", "agreement_unknown"),
    ("agreement_id", "A-M2", "agreement_of_another"),
    ("counterparty_id", "P9", "counterparty_unknown"),
    ("counterparty_id", None, "counterparty_unknown"),
    ("counterparty_id", "M2", "counterparty_unknown"),
]


def test_each_wrong_field_is_quarantined_for_its_reason_and_the_rest_goes_on(taking: Take) -> None:
    """One batch with every kind of wrong record: each names its row, field, value and reason."""
    rows = [
        {**GOOD, "record_id": f"w{n}", field: value} for n, (field, value, _) in enumerate(WRONG)
    ]
    intake = taking([*rows, GOOD])
    expected = [(n, field, reason) for n, (field, _, reason) in enumerate(WRONG, start=1)]
    assert expected == [(found.row, found.field, found.reason) for found in intake.findings]
    assert (intake.accepted, intake.quarantined) == (1, len(WRONG))
    assert str(intake.findings[2]) == "batch, row 3, currency: 'USX': currency unknown"


def test_a_fraction_of_a_yen_is_refused(taking: Take) -> None:
    """JPY has no decimals, so 100.5 is no amount; 100.0 is."""
    yen = {**GOOD, "currency": "JPY"}
    intake = taking([{**yen, "amount": "100.5"}, {**yen, "record_id": "r2", "amount": "100.0"}])
    assert (intake.accepted, dict(intake.reasons)) == (1, {"amount_has_a_fraction": 1})


def test_the_largest_amount_is_taken_exactly(taking: Take, tmp_path: Path) -> None:
    """2^63 - 1 minor units pass the gate without a digit lost."""
    intake = taking([{**GOOD, "amount": "92233720368547758.07"}])
    (path,) = (tmp_path / "lake" / "accepted").glob("*.parquet")
    assert intake.accepted == 1
    assert pq.read_table(path).column("amount_minor").to_pylist() == [2**63 - 1]


def csv(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "records.csv"
    path.write_bytes("\n".join((HEADER, *lines, "")).encode("latin-1"))
    return path


def test_a_spoiled_csv_line_spoils_no_other(taking: Take, tmp_path: Path) -> None:
    """Ragged lines, open quotes and wrong bytes are findings with the line an editor shows."""
    good = "{},M1,A-M1,P1,sale,1.00,EUR,2024-12-18T09:00:00Z"
    path = csv(
        tmp_path,
        good.format("a"),
        "only,three,fields",
        "",
        f'"{good.format("open")}',
        good.format("b"),
        good.format("Zürich"),
        good.format("c"),
    )
    intake = taking(path, name="records.csv")
    assert intake.accepted == 3
    assert [3, 5, 7] == [found.row for found in intake.findings]
    assert {"line_unreadable": 3} == dict(intake.reasons)


def test_csv_parquet_arrow_and_jsonl_are_the_same_records(taking: Take, tmp_path: Path) -> None:
    """However a record comes, the second time it is a duplicate."""
    assert taking([GOOD]).accepted == 1
    line = ",".join(GOOD.values())
    jsonl = tmp_path / "records.jsonl"
    jsonl.write_text(
        '{"record_id":"r1","participant_id":"M1","agreement_id":"A-M1","counterparty_id":"P1",'
        '"kind":"sale","amount_minor":1234,"currency":"EUR",'
        '"occurred_at":"2024-12-18T17:00:00+08:00"}\n'
        "not json\n"
    )
    at = pa.array([datetime(2024, 12, 18, 9, tzinfo=UTC)], pa.timestamp("ns", tz="UTC"))
    typed = pa.Table.from_pylist([GOOD]).drop_columns(["amount", "occurred_at"])
    typed = typed.append_column("amount_minor", pa.array([1234], pa.int32()))
    typed = typed.append_column("occurred_at", at)
    pq.write_table(typed, tmp_path / "records.parquet")
    for source in (csv(tmp_path, line), typed, tmp_path / "records.parquet"):
        assert (1, 0) == ((again := taking(source)).duplicates, again.accepted)
    again = taking(jsonl)
    assert (1, 1, 2) == (again.duplicates, again.quarantined, again.findings[0].row)


def test_a_json_number_with_a_fraction_is_a_float(taking: Take, tmp_path: Path) -> None:
    """JSON has no decimals: 12.34 without quotes is refused, never guessed."""
    path = tmp_path / "records.jsonl"
    path.write_text('{"record_id":"r1","participant_id":"M1","agreement_id":"A-M1",'
                    '"counterparty_id":"P1","kind":"sale","amount":12.34,"currency":"EUR",'
                    '"occurred_at":"2024-12-18T09:00:00Z"}\n')  # fmt: skip
    assert {"amount_is_a_float": 1} == dict(taking(path).reasons)


@pytest.mark.parametrize(
    "twice", ['"amount":"12.34","amount":"99.34"', '"amount":"12.34","attributes":{"a":1,"a":2}']
)
def test_a_json_line_with_a_field_twice_is_unreadable(
    taking: Take, tmp_path: Path, twice: str
) -> None:
    """Which of its values is meant nobody can say, at whatever depth; the line names the field."""
    path = tmp_path / "records.jsonl"
    others = {name: value for name, value in GOOD.items() if name != "amount"}
    line = json.dumps(others)[:-1] + "," + twice + "}"
    path.write_text(json.dumps({**GOOD, "record_id": "r2"}) + "\n" + line + "\n")
    intake = taking(path)
    assert (1, {"line_unreadable": 1}) == (intake.accepted, dict(intake.reasons))
    field = re.findall(r'"(\w+)":', twice)[-1]
    assert (2, f"a field is there twice: '{field}'") == (
        intake.findings[0].row, intake.findings[0].value,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02PAR1", "binary"),
        (b"\xff\xfe\x00r", "binary"),
        (b"record_id,kind\nr1,sale\n", "no column participant_id"),
        (HEADER.encode() + b",refrence\n", "refrence nobody knows"),
        (HEADER.encode() + b",kind\n", "two columns kind"),
        (HEADER.replace("amount,", "").encode() + b"\n", "amount"),
    ],
)
def test_a_file_that_is_no_record_file_is_refused_by_name(
    taking: Take, tmp_path: Path, content: bytes, why: str
) -> None:
    """What cannot be read at all stops the call, says why, and leaves nothing behind."""
    path = tmp_path / "rubbish.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=f"rubbish.csv.*{why}"):
        taking(path, name="rubbish.csv")
    assert not (tmp_path / "lake").exists()


def test_rubbish_called_parquet_is_refused_by_name(taking: Take, tmp_path: Path) -> None:
    """A file that is not Parquet is named, and so is one that is not there."""
    path = tmp_path / "rubbish.parquet"
    with pytest.raises(BadInput, match="rubbish cannot be opened"):
        taking(path, name="rubbish")
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(BadInput, match="rubbish is not a Parquet file"):
        taking(path, name="rubbish")


def test_a_float_column_is_refused_as_a_whole(taking: Take) -> None:
    """Minor units in a float column have lost their exactness before they came."""
    rows = [{**{k: v for k, v in GOOD.items() if k != "amount"}, "amount_minor": 12.0}]
    with pytest.raises(BadInput, match=r"column amount_minor: double is refused"):
        taking(pa.Table.from_pylist(rows))


def test_taking_a_batch_twice_changes_nothing(taking: Take, tmp_path: Path) -> None:
    """The same content gives the stored answer, whatever it is called and however often."""
    first = taking([GOOD, {**GOOD, "record_id": ""}], name="one")
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "lake").rglob("*.parquet")}
    again = taking([GOOD, {**GOOD, "record_id": ""}], name="two", now=NOW.replace(hour=20))
    assert first == again
    assert files == {p: p.stat().st_mtime_ns for p in (tmp_path / "lake").rglob("*.parquet")}


def agreed(*names: str, **terms: Any) -> Agreements:
    rows = [row for row in AGREEMENTS if row["participant_id"] in (*names, "P1")]
    return Agreements.of(pa.Table.from_pylist([{**row, **terms} for row in rows]))


def test_a_record_that_came_before_its_agreement_is_taken_once_that_is_there(
    fresh: Store, engine: Engine, tmp_path: Path
) -> None:
    """The same file under new agreements is a further batch of what they cured, and of no more."""
    early = {**GOOD, "record_id": "r2", "participant_id": "M2", "agreement_id": "A-M2"}
    never = {**GOOD, "record_id": "r3", "participant_id": "M9"}
    rows = [GOOD, early, never, {**GOOD, "record_id": ""}, GOOD]

    def counts(*names: str, now: datetime = NOW) -> tuple[int, ...]:
        taking = taker(fresh, engine=engine, agreements=agreed(*names), lake=tmp_path / "lake")
        intake = taking(rows, now=now)
        seen.add(intake.batch_id)
        return intake.records_in, intake.accepted, intake.duplicates, intake.quarantined

    seen: set[str] = set()
    assert (5, 1, 1, 3) == counts("M1")
    assert (1, 1, 0, 0) == counts("M1", "M2")
    for _ in range(2):
        assert (1, 1, 0, 0) == counts("M1", "M2")
        assert (5, 1, 1, 3) == counts("M1")
        assert (5, 1, 1, 3) == counts("M2")
    assert len(seen) == 2
    closed = close(
        date(2024, 12, 18), as_of=NOW, store=fresh, engine=engine, lake=tmp_path / "lake",
        agreements=agreed("M1", "M2"), rates=Rates({}), cutoff=Cutoff(),
    )  # fmt: skip
    assert closed.records == 2


def test_a_cured_record_with_the_id_of_another_is_a_conflict_once(
    fresh: Store, engine: Engine, tmp_path: Path
) -> None:
    """A record that its agreement now lets in may still be refused, and that is told once."""
    early = {**GOOD, "participant_id": "M2", "agreement_id": "A-M2"}
    lake = tmp_path / "lake"
    taker(fresh, engine=engine, agreements=agreed("M1"), lake=lake)([GOOD])
    told = []
    for terms in (agreed("M1"), agreed("M1", "M2"), agreed("M1", "M2", fee_ppm=1)):
        intake = taker(fresh, engine=engine, agreements=terms, lake=lake)([early])
        told.append((intake.batch_id, intake.withdrawn, *intake.reasons))
    assert ["participant_unknown", "conflict"] == [told[0][2], told[1][2]]
    assert (0, 1) == (told[0][1], told[1][1])
    assert told[0] == told[2]


def test_a_record_before_its_agreement_is_valid_is_quarantined(
    fresh: Store, engine: Engine, tmp_path: Path
) -> None:
    """The first day begins at the very cut-off of the day before it."""
    terms = agreed("M1", valid_from=date(2024, 12, 18))
    taking = taker(fresh, engine=engine, agreements=terms, lake=tmp_path / "lake")
    before = {**GOOD, "record_id": "r0", "occurred_at": "2024-12-17T15:59:59.999999Z"}
    intake = taking([before, {**GOOD, "occurred_at": "2024-12-17T16:00:00Z"}])
    assert (1, {"agreement_not_valid_yet": 1}) == (intake.accepted, dict(intake.reasons))
    assert (1, "agreement_id", "A-M1") == tuple(
        getattr(intake.findings[0], name) for name in ("row", "field", "value")
    )


def test_drafts_of_a_killed_run_are_swept_after_a_day(taking: Take, tmp_path: Path) -> None:
    """What a kill left hidden in the lake goes with a later batch; a running one's draft stays."""
    accepted = tmp_path / "lake" / "accepted"
    accepted.mkdir(parents=True)
    old, new = accepted / ".old.parquet.1.2", accepted / ".new.parquet.1.2"
    for path in (old, new):
        path.write_bytes(b"half a file")
    os.utime(old, (0, time.time() - 90_000))
    taking([GOOD])
    assert (False, True) == (old.exists(), new.exists())


def test_what_an_aborted_run_left_in_the_lake_is_no_record(taking: Take, tmp_path: Path) -> None:
    """A file without its row in the store was never taken: the next run writes it anew."""
    taken = taking([GOOD])
    orphan = tmp_path / "lake" / "accepted" / ("f" * 64 + ".parquet")
    orphan.write_bytes((tmp_path / "lake" / "accepted" / f"{taken.batch_id}.parquet").read_bytes())
    other = taking([{**GOOD, "record_id": "r2"}])
    assert (1, 0) == (other.accepted, other.duplicates)


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["1.00", "2.00", "-1.00"])),
    max_size=8,
)


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(ROWS, min_size=1, max_size=3), data=st.data())
def test_what_stands_does_not_depend_on_the_order_of_batches(
    engine: Engine, agreements: Agreements, tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[str, str]]], data: st.DataObject,
) -> None:  # fmt: skip
    """An id with one content stands once, one with two contents not at all, in any order."""
    contents: dict[str, set[str]] = {}
    for name, amount in (pair for batch in batches for pair in batch):
        if not amount.startswith("-"):
            contents.setdefault(name, set()).add(amount)
    expected = sorted(name for name, seen in contents.items() if len(seen) == 1)
    for order in (batches, data.draw(st.permutations(batches))):
        tmp = tmp_path_factory.mktemp("order")
        store = Store.open(f"sqlite:///{tmp / 'one.db'}")
        taking = taker(store, engine=engine, agreements=agreements, lake=tmp / "lake")
        for batch in order:
            intake = taking([{**GOOD, "record_id": name, "amount": a} for name, a in batch])
            assert intake.records_in == len(batch)
        close(
            date(2024, 12, 18), as_of=NOW, store=store, engine=engine, lake=tmp / "lake",
            agreements=agreements, rates=Rates({}), cutoff=Cutoff(),
        )  # fmt: skip
        store.close()
        settled = settled_records(Lake(tmp / "lake"), "2024-12-18", engine=engine)
        assert expected == settled.column("record_id").to_pylist()
