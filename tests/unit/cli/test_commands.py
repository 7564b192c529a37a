"""The command line as a new user meets it: help, exit codes, one line for each mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from settle.cli import main

COMMANDS = [
    [], ["nightly"], ["demo"], ["rails"], ["simulator"], ["payments"], ["payments", "list"],
    ["payments", "show"], ["payments", "cancel"], ["payments", "recall"], ["payments", "repay"],
    ["payments", "let-go"], ["payments", "notifications"], ["approve"], ["failed"],
    ["correct"], ["fund"], ["net"], ["explain"], ["files"], ["screening"], ["screening", "run"],
    ["screening", "list"], ["screening", "show"], ["screening", "clear"], ["screening", "confirm"],
    ["screening", "end"], ["payments", "decide"], ["payments", "retract"], ["payments", "explain"],
    ["controls", "list"], ["controls", "pause"], ["controls", "resume"], ["controls", "confirm"],
    ["audit", "seal"], ["audit", "verify"], ["audit", "prove"], ["backup"], ["restore"], ["search"],
    ["resume"], ["exchanges", "erase"], ["exchanges", "rotate"], ["simulate"],
]  # fmt: skip
GOOD = "S-1,M00001,A-M00001,P01,sale,10.00,EUR,2024-12-18T09:00:00Z,2024-12-18T09:00:01Z"
HEADER = (
    "record_id,participant_id,agreement_id,counterparty_id,kind,amount,currency,"
    "occurred_at,received_at"
)
BAD_ROWS = {
    "currency": GOOD.replace("EUR", "EUX"),
    "amount": GOOD.replace("10.00", "10.005"),
    "amount ": GOOD.replace("10.00", "NaN"),
    "amount  ": GOOD.replace("10.00", "100.5").replace("EUR", "JPY"),
    "occurred_at": GOOD.replace("2024-12-18T09:00:00Z", "2031-01-01T00:00:00Z"),
    "participant_id": GOOD.replace("M00001,A-", "M99999,A-"),
}


def settle(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "settle", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_shows_an_example(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command explains itself, and those that do something show how to call them.

    An example is one line of a narrow screen: what breaks it cannot be pasted.
    """
    monkeypatch.setenv("COLUMNS", "80")
    done = settle(*command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    if command in ([], ["payments"], ["screening"]):
        return
    examples = re.split(r"^\S", done.stdout.partition("Examples:")[2], flags=re.MULTILINE)[0]
    printed = [line.strip() for line in examples.splitlines() if line.strip()]
    assert printed
    assert [line for line in printed if not line.startswith("settle ")] == []


@pytest.mark.timeout(300)
def test_bad_records_exit_11_and_name_row_and_field(small_night: Path, tmp_path: Path) -> None:
    """A wrong currency, a float, a NaN, half a yen, the future, a stranger: each by its place."""
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join([HEADER, *BAD_ROWS.values()]) + "\n")
    done = settle(
        "nightly", "--config", str(small_night / "settle.toml"), "--date", "2024-12-18",
        "--records", str(broken), "--rehearse", "try", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 11, done.stderr
    lines = [line for line in done.stderr.splitlines() if "broken.csv: row" in line]
    for row, field in enumerate(BAD_ROWS, start=2):
        (line,) = [line for line in lines if f"row {row}:" in line]
        assert field.strip() in line
    assert "ledger balanced" in done.stdout


@pytest.mark.timeout(300)
def test_a_rail_that_does_not_answer_exits_12_and_the_rest_goes_on(
    small_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are taken and the window is closed although no bank can be asked."""
    for name in ("SETTLE_BANK_PASSWORD", "SETTLE_ADYEN_API_KEY", "SETTLE_ADYEN_HMAC_KEY"):
        monkeypatch.setenv(name, "00ff")
    (tmp_path / "settle.toml").write_text(
        f'extends = "{small_night}/settle.toml"\n[clearing]\n'
        f'agreements = "{small_night}/agreements.parquet"\nrates = "{small_night}/rates.csv"\n'
        f'records = "{small_night}/records-{{date}}.parquet"\n'
        f'funding = "{small_night}/funding.toml"\n'
        '[rails.iso20022_bank]\nbase_url = "http://127.0.0.1:9"\n'
        '[rails.adyen_transfers]\nbase_url = "http://127.0.0.1:9"\n'
    )
    done = settle("nightly", "--date", "2024-12-18", "--json", cwd=tmp_path)
    assert done.returncode == 12, done.stderr
    assert "rail iso20022_bank is down" in done.stderr
    report = json.loads(done.stdout)
    assert report["windows"][0]["records"] > 1_000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nonsense = [", "not TOML"),
        ("x = " + "[" * 100_000, "not TOML"),
        ("x = 2024-02-30", "not TOML"),
        ('[settle]\ntenant = "x"\n', "clearing: is missing; add it"),
        ('[settle]\ntenant = "x"\nzone = "Mars/Base"\n[clearing]\n', "settle.zone"),
        (
            '[settle]\ntenant="x"\nstor = "y"\n[clearing]\nagreements="a"\nrates="r"\n',
            "settle.stor: no such key",
        ),
        (
            ('[settle]\ntenant="x"\n[clearing]\nagreements="a"\nrates="r"\n'
            '[approval.limit_major]\nJPY = 0.5\n'),
            "approval.limit_major.JPY",
        ),
        (
            ('[settle]\ntenant="x"\n[clearing]\nagreements="a"\nrates="r"\n'
            '[rails.lark]\nplugin = "lark"\n'),
            "no plug-in 'lark' is installed",
        ),
    ],
)  # fmt: skip
def test_a_config_mistake_names_the_key_and_the_fix(
    content: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One line, exit 11, and no traceback."""
    (tmp_path / "settle.toml").write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["settle", "nightly", "--date", "2024-12-18"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 11
    told = capsys.readouterr().err
    assert says in told
    assert len(told.splitlines()) == 1


def test_a_missing_config_says_where_to_give_one(tmp_path: Path) -> None:
    """A first call in the wrong folder is answered with what to do."""
    done = settle("nightly", "--date", "2024-12-18", cwd=tmp_path)
    assert done.returncode == 11
    assert "give --config FILE" in done.stderr


def test_rails_are_listed_for_machines(tmp_path: Path) -> None:
    """The installed plug-ins, with the settings that each declares."""
    listed = json.loads(settle("rails", "--json", cwd=tmp_path).stdout)
    assert {"adyen_transfers", "iso20022_bank"} <= set(listed)
    assert "accounts" in listed["iso20022_bank"]["settings"]
