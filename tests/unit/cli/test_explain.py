"""`settle explain`: a position taken apart to the unit, down to records, with its proof."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from settle.hub import Hub

from .conftest import NIGHT, SOUND, Settle, record, write_terms, written

DAY = date(2024, 12, 18)


def sums_of(told: Mapping[str, Any]) -> None:
    """The proof by hand: every sum of what was printed, done again."""
    position = told["position"]
    for bucket in told["buckets"]:
        assert {bucket["currency"]} == {line["currency"] for line in bucket["lines"]}
        assert bucket["net_minor"] == sum(line["amount_minor"] for line in bucket["lines"])
    assert position["records"] == sum(bucket["records"] for bucket in told["buckets"])
    for stage, expected in (
        ("lines", "net_minor"),
        ("steps", "rest_minor"),
        ("ends", "rest_minor"),
    ):
        assert {position["currency"]} == {line["currency"] for line in told[stage]}
        assert position[expected] == sum(line["amount_minor"] for line in told[stage])
    assert told["adds_up"] is True


# ---- of files ----


def test_a_position_of_files_is_taken_apart_to_the_unit(settle: Settle, tmp_path: Path) -> None:
    """Components, rate with its legs, conversion, reserve and end, as a hand comes to them."""
    records = written(tmp_path / "r.csv", SOUND)
    terms = write_terms(tmp_path)
    done = settle("explain", "A-M2/EUR/2024-12-19", records, *terms, "--json")
    assert done.code == 0, done.err
    told = done.told
    sums_of(told)
    (bucket,) = told["buckets"]
    amounts = {line["component"]: line["amount_minor"] for line in bucket["lines"]}
    assert {"sales": 100_00, "adjustments": -1_00, "fees_percent": -1_00, "tax": -20} == amounts
    assert (2, 10**8) == (bucket["records"], bucket["client_e8"])
    steps = [(line["component"], line["amount_minor"]) for line in told["lines"]]
    assert [("converted_EUR", 97_80), ("reserve_withheld", -10_00)] == steps
    assert [("paid", 87_80)] == [(e["component"], e["amount_minor"]) for e in told["ends"]]
    assert "proof" not in told  # of files there is nothing else to hold it against


def test_the_rate_of_a_converted_bucket_is_told_with_both_legs(
    settle: Settle, tmp_path: Path
) -> None:
    """AUD reaches CNY through the euro: both quotations stand beside the rate they give."""
    records = written(tmp_path / "r.csv", SOUND)
    terms = write_terms(tmp_path)
    told = settle("explain", "A-M1/CNY/2024-12-19", records, *terms, "--json").told
    sums_of(told)
    (bucket,) = told["buckets"]
    assert ("AUD", "EUR", "record") == tuple(bucket[n] for n in ("currency", "via", "convert_per"))
    assert 1355_72 == bucket["converted_minor"] == told["position"]["paid_minor"]
    assert bucket["mid_e8"] == round(7.5825 / 1.6655 * 10**8)


def test_people_see_the_same_figures(settle: Settle, tmp_path: Path) -> None:
    """Without `--json` each amount stands in a table, and the last line says that it adds up."""
    records = written(tmp_path / "r.csv", SOUND)
    done = settle("explain", "A-M2/EUR/2024-12-19", records, *write_terms(tmp_path))
    assert done.code == 0
    for figure in ("100.00", "-1.00", "-0.20", "97.80", "-10.00", "87.80"):
        assert figure in done.out
    assert "adds up: yes" in done.out


def test_each_part_of_gross_settlement_is_a_position(settle: Settle, tmp_path: Path) -> None:
    """`--part` names one of them; without it there is none, and the answer says what to try."""
    records = written(tmp_path / "r.csv", SOUND)
    asked = ["A-M2/EUR/2024-12-19", records, *write_terms(tmp_path, netting="gross")]
    told = settle("explain", *asked, "--part", "debit", "--json").told
    sums_of(told)
    assert (-1_00, "debit") == (told["position"]["net_minor"], told["position"]["part"])
    none = settle("explain", *asked)
    assert none.code == 11
    assert "there is no position 'A-M2/EUR/2024-12-19': is it of another window" in none.err
    assert "--part" in none.err
    assert "AGREEMENT/CURRENCY/WINDOW" in none.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["A-M2/EUR/2024-12-18"], "there is no position 'A-M2/EUR/2024-12-18'"),
        (["A-M2/USD/2024-12-19"], "there is no position 'A-M2/USD/2024-12-19'"),
        (["0123abcd", "--window", "2024-12-19"], "there is no position '0123abcd'"),
        (["0123abcd"], "no window is named: give --window"),
        (["A-M2/EUR/soon"], "no window is named"),
        (["A-M2/EUR/2024-12-19", "--records"], "--records shows those of a store"),
    ],
)  # fmt: skip
def test_a_position_that_is_not_there_is_told_as_it_was_asked_for(
    settle: Settle, tmp_path: Path, arguments: list[str], says: str
) -> None:
    """Exit 11 and one line, in the words of the one who asked."""
    name, *more = arguments
    (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n")
    terms = write_terms(tmp_path)
    records = written(tmp_path / "r.csv", [record("E-1", occurred_at="2024-12-19T04:00:00Z")])
    if name.endswith("2024-12-18"):  # its day must have rates of its own
        with (tmp_path / "rates.csv").open("a") as file:
            file.write("2024-12-18,CNY,7.5825\n")
    done = settle("explain", name, records, *terms, *more)
    assert done.code == 11, done.out
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_files_without_terms_are_refused(settle: Settle, tmp_path: Path) -> None:
    """What was summed as it is has nothing to explain."""
    done = settle("explain", "A-M2/EUR/2024-12-19", written(tmp_path / "r.csv", SOUND))
    assert done.code == 11
    assert "files of records are netted under --agreements: name the file" in done.err


def test_without_files_a_store_is_asked_for(settle: Settle, tmp_path: Path) -> None:
    """A call in the wrong folder is answered with what to do."""
    done = settle("explain", "A-M2/EUR/2024-12-19", "--config", tmp_path / "settle.toml")
    assert done.code == 11
    assert "give --config FILE" in done.err


# ---- of a store: the committed night ----


@pytest.fixture(scope="module")
def closed_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a hub that has closed the first window of the committed night."""
    folder = tmp_path_factory.mktemp("night")
    config = folder / "settle.toml"
    config.write_text(
        '[settle]\ntenant = "t"\nclock = "night"\n[clearing]\n'
        f'agreements = "{NIGHT}/agreements.parquet"\nrates = "{NIGHT}/rates.csv"\n'
    )
    with Hub.open(config, clock=lambda: datetime(2024, 12, 18, 16, 30, tzinfo=UTC)) as hub:
        hub.take(NIGHT / "records-2024-12-18.parquet", day=DAY)
        hub.close_window(DAY)
    return config


@pytest.fixture(scope="module")
def raw() -> dict[str, list[dict[str, Any]]]:
    """What the platform delivered, by agreement."""
    found = defaultdict(list)
    for row in pq.read_table(NIGHT / "records-2024-12-18.parquet").to_pylist():
        found[row["agreement_id"]].append(row)
    return found


def test_a_position_of_the_committed_night_is_proved_down_to_its_records(
    settle: Settle, closed_night: Path, raw: dict[str, list[dict[str, Any]]]
) -> None:
    """The records that are listed are those that came, and they sum to what each line says."""
    name = max(raw, key=lambda each: len({row["kind"] for row in raw[each]}))
    with Hub.open(closed_night) as hub:
        (position, *_) = (each for each in hub.positions(DAY) if each.agreement_id == name)
    asked = f"{name}/{position.currency}/2024-12-18"
    done = settle("explain", asked, "--config", closed_night, "--records", "--json")
    assert done.code == 0, done.err
    told = done.told
    sums_of(told)
    assert position.records == told["proof"]["records"] == len(told["records_under"])
    assert (True, []) == (told["proof"]["holds"], told["proof"]["differences"])
    came = {row["record_id"]: row for row in raw[name]}
    under: dict[tuple[str, str], int] = defaultdict(int)
    for row in told["records_under"]:
        same = ("kind", "currency", "amount_minor", "counterparty_id")
        assert [came[row["record_id"]][n] for n in same] == [row[n] for n in same]
        under[row["currency"], row["kind"]] += row["amount_minor"]
    for bucket in told["buckets"]:
        lines = {line["component"]: line["amount_minor"] for line in bucket["lines"]}
        currency = bucket["currency"]
        assert under[currency, "sale"] == lines.get("sales", 0)
        assert -under[currency, "refund"] == lines.get("refunds", 0)
        assert -under[currency, "chargeback"] == lines.get("chargebacks", 0)


def test_the_same_is_found_by_its_id_and_told_to_people(settle: Settle, closed_night: Path) -> None:
    """The id of a position names it as well; the last line says what was held against what."""
    with Hub.open(closed_night) as hub:
        position = max(hub.positions(DAY), key=lambda each: each.records)
    done = settle("explain", position.position_id, "--config", closed_night, "--records")
    assert done.code == 0, done.err
    assert "adds up: yes" in done.out
    assert f"its {position.records:,} records, priced and summed again, give the same" in done.out
    assert position.records == sum(line.endswith("  on_time") for line in done.out.splitlines())


def test_a_position_the_store_does_not_have_is_named(settle: Settle, closed_night: Path) -> None:
    """Exit 11, for a window that is not closed as for an agreement nobody knows."""
    for name in ("A-M00101/EUR/2024-12-19", "A-M99999/EUR/2024-12-18", "feed"):
        done = settle("explain", name, "--config", closed_night)
        assert done.code == 11
        assert f"there is no position '{name}'" in done.err


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ("update positions set net_minor = net_minor + 1, paid_minor = paid_minor + 1",
         "adds up: NO"),
        ("update position_lines set sales_minor = sales_minor + 1, net_minor = net_minor + 1",
         "figures: NO"),
    ],
)  # fmt: skip
def test_a_store_that_was_tampered_with_exits_10(
    settle: Settle, closed_night: Path, tmp_path: Path, edit: str, says: str
) -> None:
    """A figure that was moved by one minor unit is seen, in the sums or against the records."""
    with Hub.open(closed_night) as hub:
        position = next(each for each in hub.positions(DAY) if each.paid_minor > 0)
    store = tmp_path / "settle.db"
    with sqlite3.connect(closed_night.parent / "settle.db") as good, sqlite3.connect(store) as bad:
        good.backup(bad)
        bad.execute(f"{edit} where position_id = ?", [position.position_id])
        bad.commit()
    asked = ["explain", position.position_id, "--config", closed_night, "--store",
             f"sqlite:///{store}"]  # fmt: skip
    done = settle(*asked)
    assert done.code == 10, done.err
    assert says in done.out
    machine = settle(*asked, "--json")
    assert machine.code == 10
    assert False in (json.loads(machine.out)["adds_up"], machine.told["proof"]["holds"])
