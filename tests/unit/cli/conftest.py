"""The command line in this process, and a small set of files to net."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from settle.cli import main

NIGHT = Path(__file__).resolve().parents[3] / "fixtures" / "night"
COLUMNS = ("record_id", "participant_id", "agreement_id", "counterparty_id", "kind",
           "amount_minor", "currency", "occurred_at")  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Settle = Callable[..., Ran]


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Settle:
    """Call `settle` as the shell does, without a process of its own."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["settle", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return call


def record(record_id: str, **more: Any) -> dict[str, Any]:
    """A sale of 100.00 EUR under A-M2, at noon in Shanghai, but for what is other."""
    return {
        "record_id": record_id, "participant_id": "M2", "agreement_id": "A-M2",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": 100_00, "currency": "EUR",
        "occurred_at": "2024-12-19T04:00:00Z", **more,
    }  # fmt: skip


def of_m1(record_id: str, **more: Any) -> dict[str, Any]:
    """A sale of 369.30 AUD under A-M1, but for what is other."""
    aussie = {"participant_id": "M1", "agreement_id": "A-M1", "amount_minor": 369_30,
              "currency": "AUD"}  # fmt: skip
    return record(record_id, **{**aussie, **more})


SOUND = [
    of_m1("S-1"),
    of_m1("R-1", kind="refund", amount_minor=69_30),
    record("E-1"),
    record("E-2", kind="adjustment_debit", amount_minor=1_00),
]
"""Four records of one window, none of them to be refused."""


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as a file of CSV, or of JSON lines."""
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


_TERMS = (
    "agreement_id,participant_id,role,settlement_currency,rounding,hub_role,valid_from,"
    "fee_back_on_refund,convert_per,fee_ppm,fee_fixed_minor,tax_ppm,reserve_ppm,reserve_days,"
    "payout_minimum_minor,fx_markup_ppm,netting,beneficiary_name,beneficiary_country,"
    "beneficiary_town,beneficiary_account,beneficiary_bic,beneficiary_bank_code\n"
    "A-M1,M1,merchant,CNY,half_up,principal,2024-01-01,false,record,6000,0,0,0,0,0,0,net,"
    "Lark Ltd,SG,Singapore,0123456789,,\n"
    "A-M2,M2,merchant,EUR,half_up,principal,2024-01-01,false,bucket,10000,0,200000,100000,5,0,0,"
    "{netting},Finch Ltd,DE,Ulm,DE00,,\n"
    "A-P1,P1,partner,AUD,half_up,principal,2024-01-01,false,,0,0,0,0,0,0,0,net,,,,,,\n"
)


def write_terms(folder: Path, *, netting: str = "net") -> list[str]:
    """Agreements and rates in a folder; gives the options that name them."""
    (folder / "agreements.csv").write_text(_TERMS.format(netting=netting))
    (folder / "rates.csv").write_text(
        "as_of,currency,per_euro\n2024-12-19,AUD,1.6655\n2024-12-19,CNY,7.5825\n"
    )
    return ["--agreements", f"{folder / 'agreements.csv'}", "--rates", f"{folder / 'rates.csv'}"]


@pytest.fixture
def terms(tmp_path: Path) -> list[str]:
    """Options for the terms and the window of `SOUND`."""
    return [*write_terms(tmp_path), "--window", "2024-12-19"]
