"""`settle net`: what it prints, writes and exits with, on made files and on the committed night."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from settle.clearing import Agreements, Rates, Terms, calculate
from settle.clearing.bare import bare_views
from settle.clearing.calculation import program
from settle.cli.net import FINDINGS_MAX
from settle.engine import MACROS, Engine

from .conftest import NIGHT, SOUND, Settle, of_m1, record, write_terms, written

RECORDS_PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "records.md"
POISONED = [
    *SOUND,
    of_m1("S-1"),  # again: a duplicate
    of_m1("S-2", counterparty_id="P9"),
    record("E-3", currency="EUX"),
    record("E-4"),  # two that say different things under one id
    record("E-4", amount_minor=1),
    record("E-5", occurred_at="2024-12-19T16:00:00Z"),  # the next window's first instant
]
INLINE = {"twice", "refused", "sharers"}
"""Steps that make something known to the views; how stands in the module that gives it."""


def counted(told: dict[str, object], *names: str) -> tuple[object, ...]:
    return tuple(told[name] for name in names)


@pytest.mark.parametrize("command", ["net", "explain", "files"])
def test_help_shows_an_example(settle: Settle, command: str) -> None:
    """Each command explains itself, with its exit codes and how to call it."""
    done = settle(command, "--help")
    assert done.code == 0
    assert "Examples" in done.out
    assert "11" in done.out


def test_every_record_is_accounted_for(settle: Settle, terms: list[str], tmp_path: Path) -> None:
    """In = accepted + duplicates + quarantined by reason; accepted = netted + other windows'."""
    records = written(tmp_path / "records.csv", POISONED)
    done = settle("net", records, *terms, "--json")
    assert done.code == 11, done.err
    told = done.told
    counts = counted(told, "records_in", "accepted", "duplicates", "quarantined")
    assert counts == (10, 5, 1, 4)
    reasons = {"conflict": 2, "counterparty_unknown": 1, "currency_unknown": 1}
    assert reasons == told["quarantined_by_reason"]
    assert counted(told, "window", "netted", "of_other_windows") == ("2024-12-19", 4, 1)
    assert told["positions"] == 2
    assert {"AUD": 0, "CNY": 0, "EUR": 0} == told["sums_minor"]
    assert {"verdicts", "passed_on", "obliged", "conserved"} <= told["seconds"].keys()
    assert all(took >= 0 for took in told["seconds"].values())


def test_sound_records_exit_0_and_come_to_what_a_hand_comes_to(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """Fees by currency, tax, reserve and rounding, to the minor unit."""
    out = tmp_path / "deep" / "positions.parquet"
    done = settle("net", written(tmp_path / "r.csv", SOUND), *terms, "--out", out, "--json")
    assert done.code == 0, done.err
    one, other = pq.read_table(out).to_pylist()
    assert ("A-M1", "CNY", 2) == (one["agreement_id"], one["currency"], one["records"])
    assert 1355_72 == one["paid_minor"]  # 369.30 → 2001.38... less its fee, less the refund
    assert ("A-M2", "EUR", 2) == (other["agreement_id"], other["currency"], other["records"])
    sale, fee, tax, adjusted, reserve = 100_00, 1_00, 20, 1_00, 10_00
    assert sale - fee - tax - adjusted == other["converted_minor"]
    assert -reserve == other["reserve_withheld_minor"]
    assert sale - fee - tax - adjusted - reserve == other["paid_minor"] == other["rest_minor"]
    assert ("paid", date(2024, 12, 20)) == (other["outcome"], other["value_date"])


def documented(heading: str) -> list[tuple[str, str]]:
    """The columns and types of the first table of a page after some words."""
    table = RECORDS_PAGE.read_text("utf-8").partition(heading)[2].partition("|---")[2]
    found = []
    for line in table.splitlines()[1:]:
        if not line.startswith("|"):
            break
        names, kind = line.split("|")[1:3]
        found += [(name, kind.strip()) for name in re.findall(r"`(\w+)`", names)]
    return found


def test_positions_have_the_documented_columns(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """Names, order and types of `--out` are those of the reference, and nothing besides."""
    out = tmp_path / "positions.parquet"
    settle("net", written(tmp_path / "r.csv", SOUND), *terms, "--out", out)
    columns = documented("`settle net --out positions.parquet`")
    types = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32()}
    expected = {name: types[re.split(r"[ ,]", kind)[0]] for name, kind in columns}
    assert list(expected.items()) == [
        (field.name, field.type) for field in pq.read_schema(out)
    ]  # fmt: skip
    told = Counter(pq.read_table(out).column("outcome").to_pylist())
    assert Counter(paid=2) == told


def test_refused_records_are_kept_as_they_were_said(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """`--quarantine` has each with its reason; in several files a row says which file it is of."""
    one = written(tmp_path / "one.csv", SOUND)
    two = written(tmp_path / "two.jsonl", [record("E-9", amount_minor="1.5"), record("E-10")])
    kept = tmp_path / "refused.parquet"
    done = settle("net", one, two, *terms, "--quarantine", kept)
    assert done.code == 11
    (row,) = pq.read_table(kept).to_pylist()
    assert (2**40 + 1, "E-9", "1.5") == (row["row"], row["record_id"], row["amount_said"])
    assert "amount_has_a_fraction" == row["reason"]
    assert "two.jsonl, row 1, amount: '1.5': amount has a fraction" in done.out
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_people_are_told_the_same(settle: Settle, terms: list[str], tmp_path: Path) -> None:
    """Without `--json`: counts that add up, each refusal by its place, and sums by currency."""
    done = settle("net", written(tmp_path / "records.csv", POISONED), *terms)
    assert "records in: 10 = 5 accepted + 1 duplicates + 4 quarantined" in done.out
    assert "  conflict: 2" in done.out
    assert "records.csv, row 7, counterparty_id: 'P9': counterparty unknown" in done.out
    assert "window 2024-12-19: 4 records netted; 1 are of other windows" in done.out
    came, saved = (line for line in done.out.splitlines() if "CNY" in line)
    assert ["1355.72", "0.00", "0.00", "0"] == re.findall(r"[\d.]+", came)
    assert ["2", "1", "1996.81", "1355.72", "1681.31", "1355.72"] == re.findall(r"[\d.]+", saved)


def test_what_is_claimed_is_told(settle: Settle, tmp_path: Path) -> None:
    """Under gross settlement what is owed to us is neither paid nor carried."""
    records = written(tmp_path / "r.csv", SOUND)
    terms = [*write_terms(tmp_path, netting="gross"), "--window", "2024-12-19"]
    came, _ = (line for line in settle("net", records, *terms).out.splitlines() if "EUR" in line)
    assert ["88.80", "0.00", "1.00", "0"] == re.findall(r"[\d.]+", came)


def test_refusals_that_are_not_printed_are_counted(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """The first ten, how many more there are, and where all of them can be had."""
    strange = [record(f"X-{number}", kind="gift") for number in range(FINDINGS_MAX + 3)]
    done = settle("net", written(tmp_path / "r.csv", strange), *terms)
    assert FINDINGS_MAX == done.out.count("r.csv, row")
    assert "and 3 more: --quarantine has them all" in done.out


def test_json_has_the_documented_keys(settle: Settle, terms: list[str], tmp_path: Path) -> None:
    """Names and order of `net --json` and `explain --json` are those of the reference."""
    records = written(tmp_path / "r.csv", SOUND)
    named = [name for name, _ in documented("| key of `settle net --json` |")]
    assert named == list(settle("net", records, *terms, "--json").told)
    shown = settle("explain", "A-M2/EUR/2024-12-19", records, *terms, "--json").told
    named = [name for name, _ in documented("| key of `settle explain --json` |")]
    assert named == [*shown, "proof", "records_under"]


def test_what_netting_saved_is_told_by_currency(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """A payment a record against one a position: count, value, and the most to be put up."""
    found = settle("net", written(tmp_path / "r.csv", SOUND), *terms, "--json").told["saved"]
    assert ["CNY", "EUR"] == list(found)
    sale, fee_and_tax, adjusted = 100_00, 1_20, 1_00
    before, after = sale + adjusted, sale - fee_and_tax - adjusted
    assert {
        "gross_count": 2, "gross_minor": before, "net_count": 1, "net_minor": after,
        "payments_saved": 1, "efficiency_ppm": 1_000_000 - 1_000_000 * after // before,
        "peak_gross_minor": sale, "peak_net_minor": after,
    } == found["EUR"]  # fmt: skip
    named = [name for name, _ in documented("| figure of `saved` |")]
    assert list(found["EUR"]) == named


def test_files_of_any_form_come_to_the_same(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """CSV, JSON lines, plain and other Parquet, one file or one a record: one result."""
    table = pa.Table.from_pylist(SOUND)
    at = pa.array([pa.scalar(row["occurred_at"]).as_py() for row in SOUND])
    stamped = pc.strptime(at, "%Y-%m-%dT%H:%M:%SZ", "us").cast(pa.timestamp("us", tz="UTC"))
    place = table.column_names.index("occurred_at")
    plain = table.set_column(place, "occurred_at", stamped)
    coded = plain.set_column(
        table.column_names.index("currency"), "currency",
        plain.column("currency").dictionary_encode(),
    )  # fmt: skip
    pq.write_table(coded, tmp_path / "coded.parquet")
    pq.write_table(plain.slice(0, 2), tmp_path / "half.parquet")
    ways = [
        [written(tmp_path / "all.csv", SOUND)],
        [written(tmp_path / "all.jsonl", SOUND)],
        [tmp_path / "coded.parquet"],
        [
            written(tmp_path / "last.ndjson", SOUND[3:]),
            written(tmp_path / "third.csv", SOUND[2:3]),
            tmp_path / "half.parquet",
        ],
    ]
    found = []
    for files in ways:
        done = settle("net", *files, *terms, "--out", tmp_path / "p.parquet", "--json")
        assert done.code == 0, done.err
        found.append((pq.read_table(tmp_path / "p.parquet").to_pylist(), done.told["netted"]))
    assert [found[0]] * len(ways) == found


def test_each_record_is_netted_in_one_window_and_in_no_later_one(
    settle: Settle, tmp_path: Path
) -> None:
    """A window per day pays each record once: its own day's, or the one its cycle names."""
    terms, out = write_terms(tmp_path), tmp_path / "p.parquet"
    text = (tmp_path / "agreements.csv").read_text().splitlines()
    cycles = ["cycle", "T+3", "T+1", ""]  # of M1 and M2; a partner has none
    lines = [f"{line},{each}" for line, each in zip(text, cycles, strict=True)]
    (tmp_path / "agreements.csv").write_text("\n".join([*lines, ""]))
    days = ["2024-12-17", "2024-12-18"]
    rows = [make(f"{make.__name__}-{day}", occurred_at=f"{day}T04:00:00Z", currency="EUR")
            for make in (record, of_m1) for day in days]  # fmt: skip
    records = written(tmp_path / "r.csv", rows)
    (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-17,CNY,7.5825\n")
    netted = {}
    for window in (*days, "2024-12-19", "2024-12-20"):
        done = settle("net", records, *terms, "--window", window, "--out", out, "--json")
        assert done.code == 0, done.err
        assert counted(done.told, "accepted", "netted", "of_other_windows") == (4, 1, 3)
        (netted[window],) = pq.read_table(out).select(["agreement_id", "records"]).to_pylist()
    assert [("A-M2", 1), ("A-M2", 1), ("A-M1", 1), ("A-M1", 1)] == [
        tuple(row.values()) for row in netted.values()
    ]


def test_a_day_ends_where_the_zone_says(settle: Settle, tmp_path: Path) -> None:
    """Midnight in Shanghai is the same day in UTC, and long past it on Lord Howe."""
    rows = [record(f"E-{n}", occurred_at=f"2024-12-19T{hour}:00:00Z")
            for n, hour in enumerate(("12", "13", "15", "16", "23"))]  # fmt: skip
    records = written(tmp_path / "r.csv", rows)
    terms = [*write_terms(tmp_path), "--window", "2024-12-19", "--json"]
    netted = {
        zone: settle("net", records, *terms, "--zone", zone).told["netted"]
        for zone in ("Asia/Shanghai", "UTC", "Australia/Lord_Howe")
    }
    assert {"Asia/Shanghai": 3, "UTC": 5, "Australia/Lord_Howe": 1} == netted


def test_files_without_records_come_to_nothing(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """A head and no line is a file like any other: zero everywhere, exit 0, and a file of none."""
    out = tmp_path / "p.parquet"
    empty = written(tmp_path / "r.csv", [])
    done = settle("net", empty, *terms, "--out", out, "--json")
    assert done.code == 0, done.err
    assert counted(done.told, "records_in", "accepted", "netted", "positions") == (0, 0, 0, 0)
    assert pq.read_table(out).num_rows == 0
    bare = settle("net", empty, "--out", out, "--json")
    assert (bare.code, bare.told["records"], bare.told["sums_minor"]) == (0, 0, {})


def test_what_occurred_after_all_was_in_is_refused(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """`--as-of` is the instant at which the files were complete."""
    records = written(tmp_path / "r.csv", SOUND)
    done = settle("net", records, *terms, "--as-of", "2024-12-19T03:59:59", "--json")
    assert {"occurred_at_in_the_future": 4} == done.told["quarantined_by_reason"]
    assert done.told["positions"] == 0


def test_caps_and_fees_are_heeded(settle: Settle, terms: list[str], tmp_path: Path) -> None:
    """`--caps` holds what is beyond them, and a schedule that is named must be in `--fees`."""
    (tmp_path / "caps.csv").write_text("participant_id,currency,cap_minor\nP1,EUR,5000\n")
    records = written(tmp_path / "r.csv", SOUND)
    done = settle("net", records, *terms, "--caps", tmp_path / "caps.csv", "--json")
    assert {"over_net_debit_cap": 1} == done.told["quarantined_by_reason"]
    text = (tmp_path / "agreements.csv").read_text()
    head, *rows = text.splitlines()
    rows = [f"{row},{'S1' if row.startswith('A-M2') else ''}" for row in rows]
    (tmp_path / "agreements.csv").write_text("\n".join([f"{head},fee_schedule", *rows]) + "\n")
    missing = settle("net", records, *terms)
    assert missing.code == 11
    assert "'A-M2' is charged by fee schedule 'S1', which is not among the fees" in missing.err
    (tmp_path / "fees.csv").write_text(
        "schedule_id,kind,valid_from,ppm\nS1,sale,2024-01-01,20000\n"
    )
    out = tmp_path / "p.parquet"
    settle("net", records, *terms, "--fees", tmp_path / "fees.csv", "--out", out)
    (row,) = [row for row in pq.read_table(out).to_pylist() if row["agreement_id"] == "A-M2"]
    assert 100_00 - 2_00 - 40 - 1_00 == row["converted_minor"]


MISTAKES = {
    "no window is named: give --window": ["{r}", "--agreements", "{a}", "--rates", "{x}"],
    "no file of records is named": ["{terms}"],
    "gone.csv cannot be opened: No such file": ["gone.csv", "{terms}"],
    "r.txt: .txt is not .parquet, .csv or .jsonl": ["{txt}", "{terms}"],
    "lost.csv cannot be opened": ["{r}", "--agreements", "lost.csv", "--window", "2024-12-19"],
    "agreements.csv has no column": ["{r}", "--agreements", "{a}", "--rates", "{a}", "--window",
                                     "2024-12-19"],
    "no rates are published on or before 2024-12-19": ["{r}", "--agreements", "{a}", "--window",
                                                       "2024-12-19"],
    "'Mars/Base' is not a time zone": ["{r}", "{terms}", "--zone", "Mars/Base"],
    "engine: 'abacus' is neither duckdb nor a Spark": ["{r}", "{terms}", "--engine", "abacus"],
    "memory: 'lots' cannot be used": ["{r}", "{terms}", "--memory", "lots"],
    "too little memory": ["{r}", "{terms}", "--memory", "1MB"],
    "is a folder: name a file": ["{r}", "{terms}", "--out", "{here}"],
    "lies under a file: name a folder": ["{r}", "{terms}", "--out", "{r}/p.parquet"],
    "its folder cannot be made": ["{r}", "{terms}", "--out", "/proc/x/p.parquet"],
    "r.csv is named for something else, too": ["{r}", "{terms}", "--out", "{r}"],
    "--quarantine p is named for something else": ["{r}", "{terms}", "--out", "p",
                                                   "--quarantine", "p"],
    "without --agreements there is only what --out is to hold": ["{r}"],
    "--rates says nothing without --agreements": ["{r}", "--rates", "{x}", "--out", "p.parquet"],
    "--window says nothing without --agreements": ["{r}", "--window", "2024-12-19", "--out", "p"],
    "--as-of says nothing": ["{r}", "--as-of", "2024-12-19T00:00:00", "--out", "p"],
    "--quarantine says nothing": ["{r}", "--quarantine", "q.parquet", "--out", "p"],
    "memory: 'lots' is not a whole number of KB": ["{r}", "--out", "p", "--engine", "local[1]",
                                                   "--memory", "lots"],
}  # fmt: skip


@pytest.mark.parametrize("says", MISTAKES)
def test_a_mistake_is_one_line_that_names_it(
    settle: Settle, terms: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """Exit 11, the place and the fix, no traceback, and nothing written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.txt").write_text("")
    given = {"r": written(tmp_path / "r.csv", SOUND), "a": tmp_path / "agreements.csv",
             "x": tmp_path / "rates.csv", "here": tmp_path, "txt": tmp_path / "r.txt"}  # fmt: skip
    before = set(tmp_path.rglob("*"))
    words: list[str] = []
    for word in MISTAKES[says]:
        words += terms if word == "{terms}" else [word.format(**given)]
    done = settle("net", *words)
    assert done.code == 11, done.out
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert before == set(tmp_path.rglob("*"))


@pytest.mark.parametrize("column", ["record_id", "amount_minor"])
def test_a_file_with_a_torn_page_is_a_mistake_too(
    settle: Settle, terms: list[str], tmp_path: Path, column: str
) -> None:
    """Its last bytes are sound, so that the damage shows only as its records are read."""
    records = tmp_path / "r.parquet"
    records.write_bytes((NIGHT / "records-2024-12-18.parquet").read_bytes())
    chunks = pq.read_metadata(records).row_group(0)
    torn = next(
        chunks.column(n) for n in range(chunks.num_columns)
        if chunks.column(n).path_in_schema == column
    )  # fmt: skip
    content = bytearray(records.read_bytes())
    start = min(torn.dictionary_page_offset or torn.data_page_offset, torn.data_page_offset)
    content[start : start + 4096] = bytes(4096)
    records.write_bytes(content)
    done = settle("net", records, *terms, "--out", tmp_path / "p.parquet")
    assert done.code == 11, done.out
    assert "a file cannot be read" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "p.parquet").exists()


def test_a_window_that_is_no_date_is_a_wrong_call(settle: Settle, tmp_path: Path) -> None:
    """What the shell got wrong is 2, as with any command."""
    done = settle("net", "r.csv", "--window", "19.12.2024")
    assert done.code == 2
    assert "--window" in done.err


def test_nothing_else_in_the_folder_is_touched(
    settle: Settle, terms: list[str], tmp_path: Path
) -> None:
    """A result goes where it was told, and hidden files beside it stay, however old they are."""
    old = [tmp_path / ".profile", tmp_path / ".keys", tmp_path / ".a.parquet"]
    (tmp_path / ".keys").mkdir()
    for path in (tmp_path / ".profile", tmp_path / ".a.parquet", tmp_path / ".keys" / "id"):
        path.write_text("mine")
    for path in old:
        os.utime(path, (0, 0))
    records = written(tmp_path / "r.csv", SOUND)
    settle("net", records, *terms, "--out", tmp_path / "p.parquet")
    settle("net", records, "--out", tmp_path / "b.parquet")
    assert all(path.exists() for path in [*old, tmp_path / ".keys" / "id"])


def test_the_program_that_is_shown_is_the_one_that_runs(settle: Settle, tmp_path: Path) -> None:
    """Every view that a run computes is printed, with the macros it uses, each of them once."""
    shown = settle("net", "--show-sql").out
    named = re.findall(r"^-- ([\w ]+)/(\w+)$", shown, re.MULTILINE)
    assert len(named) == len(set(named))
    views = {name for _, name in named}
    assert {name for part in program().values() for name in part} <= views
    assert {*bare_views(), "reading", "sought"} <= views
    for signature in MACROS:
        assert f"create macro {signature} as" in shown
    terms = [*write_terms(tmp_path), "--window", "2024-12-19"]
    ran = settle("net", written(tmp_path / "r.csv", SOUND), *terms, "--json").told["seconds"]
    assert {name for name in ran if not name.startswith("typed_")} - views <= INLINE
    for part, name in named:
        if part in program():
            assert program()[part][name].rstrip() in shown


# ---- as they are ----


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_records_are_summed_as_they_are(settle: Settle, tmp_path: Path, ending: str) -> None:
    """Without agreements each record counts once, a copy too, in files of any form."""
    path = tmp_path / f"r{ending}"
    rows = [*SOUND, SOUND[0]]
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        written(path, rows)
    out = tmp_path / "bare.parquet"
    done = settle("net", path, "--out", out, "--json")
    assert done.code == 0, done.err
    assert counted(done.told, "records", "positions") == (5, 2)
    assert {"AUD": 0, "EUR": 0} == done.told["sums_minor"]
    table = pq.read_table(out)
    columns = "`agreement_id`, `currency`, `records`, `credits_minor`, `debits_minor`, `net_minor`"
    assert columns in RECORDS_PAGE.read_text("utf-8")
    assert re.findall(r"`(\w+)`", columns) == table.column_names
    expected = [("A-M1", "AUD", 3, 738_60, 69_30, 669_30), ("A-M2", "EUR", 2, 100_00, 1_00, 99_00)]
    assert expected == sorted(tuple(row.values()) for row in table.to_pylist())


def test_a_csv_of_major_units_is_summed_in_minor_ones(settle: Settle, tmp_path: Path) -> None:
    """`amount` is read by the decimals of its currency, without terms as with them."""
    head = "record_id,participant_id,agreement_id,counterparty_id,kind,amount,currency,occurred_at"
    rows = ["a,M2,A-M2,P1,sale,12.34,EUR,2024-12-19T04:00:00Z",
            "b,M2,A-M2,P1,refund,500,JPY,2024-12-19T04:00:00Z"]  # fmt: skip
    (tmp_path / "r.csv").write_text("\n".join([head, *rows]) + "\n")
    settle("net", tmp_path / "r.csv", "--out", tmp_path / "b.parquet")
    rows_out = pq.read_table(tmp_path / "b.parquet").to_pylist()
    found = {row["currency"]: row["net_minor"] for row in rows_out}
    assert {"EUR": 1234, "JPY": -500} == found


def test_an_unsound_record_without_terms_is_named_and_nothing_is_written(
    settle: Settle, tmp_path: Path
) -> None:
    """Nothing could be quarantined here: it says how to net it so that it is."""
    rows = [*SOUND, record("T-1", kind="tip")]
    out = tmp_path / "b.parquet"
    done = settle("net", written(tmp_path / "r.csv", rows), "--out", out)
    assert done.code == 11
    assert "record 'T-1' is unsound (kind 'tip'" in done.err
    assert "net it with --agreements, which quarantines it" in done.err
    assert not out.exists()


def test_people_are_told_what_records_come_to(settle: Settle, tmp_path: Path) -> None:
    """Two lines: how many, and that all parties sum to zero."""
    done = settle("net", written(tmp_path / "r.csv", SOUND), "--out", tmp_path / "b.parquet")
    assert ["4 records as they are: 2 positions", "all parties together: zero in AUD, EUR"] == (
        done.out.splitlines()
    )


# ---- the committed night ----


def test_the_committed_night_is_netted_and_python_gives_the_same(
    settle: Settle, tmp_path: Path
) -> None:
    """A day of 148,000 records and its broken rows: each planted fault by its reason, all zero."""
    out = tmp_path / "positions.parquet"
    files = [NIGHT / "records-2024-12-18.parquet", NIGHT / "records-2024-12-18-broken.csv"]
    agreements, rates = NIGHT / "agreements.parquet", NIGHT / "rates.csv"
    options = ["--agreements", agreements, "--rates", rates, "--window", "2024-12-18"]
    done = settle("net", *files, *options, "--out", out, "--json")
    assert done.code == 11, done.err
    told = done.told
    assert told["records_in"] == told["accepted"] + told["duplicates"] + told["quarantined"]
    assert told["accepted"] == told["netted"] + told["of_other_windows"]
    assert 15 + 4 == told["quarantined"] == sum(told["quarantined_by_reason"].values())
    assert 4 == told["quarantined_by_reason"]["conflict"]
    assert {0} == set(told["sums_minor"].values())
    terms = Terms(agreements=Agreements.load(agreements), rates=Rates.load(rates))
    with closing(Engine()) as engine:
        found = calculate(files, day=date(2024, 12, 18), terms=terms, engine=engine)
    assert pq.read_table(out).to_pylist() == found.positions.to_pylist()
    assert told["quarantined_by_reason"] == found.reasons
    assert list(range(8, 23)) == [each.row for each in found.findings if each.file == files[1].name]
