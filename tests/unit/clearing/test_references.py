"""Agreements and rates are checked column by column, and refuse what they cannot use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from settle.clearing import Agreements, Rates
from settle.errors import BadInput, MoneyError

HEADER = (
    "agreement_id,participant_id,role,settlement_currency,fee_ppm,fee_fixed_minor,tax_ppm,"
    "fee_back_on_refund,reserve_ppm,reserve_days,payout_minimum_minor,fx_markup_ppm,rounding,"
    "hub_role,valid_from,beneficiary_name,beneficiary_country,beneficiary_town,"
    "beneficiary_account,beneficiary_bic,beneficiary_bank_code"
)
GOOD = (
    "A-1,M1,merchant,EUR,10000,0,0,false,0,0,0,0,half_even,principal,2024-01-01,Ada,DE,Ulm,DE00,,"
)


def agreements_csv(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "agreements.csv"
    path.write_text("\n".join((HEADER, *lines, "")))
    return path


def test_agreements_are_read_with_their_types(tmp_path: Path) -> None:
    """A CSV of text becomes exact columns, by agreement id."""
    partner = "A-P,P1,partner,CNY,0,0,0,false,0,0,0,0,half_up,principal,2024-01-01,,,,,,"
    agreements = Agreements.load(agreements_csv(tmp_path, GOOD, partner))
    assert (["A-1"], ["A-P"]) == (agreements.merchants, agreements.partners)
    assert (10_000, False) == tuple(
        agreements["A-1"][field] for field in ("fee_ppm", "fee_back_on_refund")
    )
    assert ["A-1"] == agreements.of_participant("M1")


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("A-1,", ",", "row 2, agreement_id: empty"),
        ("merchant", "broker", "row 2, role: 'broker'"),
        ("EUR", "EUX", "row 2, settlement_currency: 'EUX'"),
        ("10000", "1e4", "row 2, fee_ppm: '1e4' is not a whole number"),
        ("10000", "-1", "row 2, fee_ppm: -1"),
        ("10000", "0.5", "row 2, fee_ppm: '0.5' is not a whole number"),
        ("false", "maybe", "row 2, fee_back_on_refund: 'maybe' is not a true or false"),
        ("half_even", "bankers", "row 2, rounding: 'bankers'"),
        ("2024-01-01", "01/01/2024", "row 2, valid_from: '01/01/2024' is not a date"),
        ("Ada", "", "row 2, beneficiary_name"),
    ],
)
def test_a_term_that_does_not_fit_is_named(
    tmp_path: Path, was: str, becomes: str, why: str
) -> None:
    """File, row, field and reason, in one line."""
    with pytest.raises(BadInput, match=f"agreements.csv, {why}"):
        Agreements.load(agreements_csv(tmp_path, GOOD.replace(was, becomes)))


def test_an_agreement_is_there_once(tmp_path: Path) -> None:
    """Two rows of one id would be two answers to one question."""
    with pytest.raises(BadInput, match="row 3, agreement_id: 'A-1' is refused: there twice"):
        Agreements.load(agreements_csv(tmp_path, GOOD, GOOD))


@pytest.mark.parametrize("named", ["hub", "credit", "debit", "deposit", "M/1"])
def test_no_participant_is_called_as_a_part_of_a_position_is(tmp_path: Path, named: str) -> None:
    """What is owed to a partner called hub would be added to what names no counterparty."""
    with pytest.raises(BadInput, match=f"row 2, participant_id: '{named}' is refused"):
        Agreements.load(agreements_csv(tmp_path, GOOD.replace("M1", named)))


@pytest.mark.parametrize("longer", ["A-1/P1", "A-1/", "A-1/2024/17"])
def test_no_agreement_goes_on_from_another_by_a_slash(tmp_path: Path, longer: str) -> None:
    """A-1 facing P1 and an agreement A-1/P1 would have journal rows of one name."""
    for lines in ([GOOD, GOOD.replace("A-1", longer)], [GOOD.replace("A-1", longer), GOOD]):
        with pytest.raises(BadInput, match=f"agreement_id: '{longer}' is refused: journal rows"):
            Agreements.load(agreements_csv(tmp_path, *lines))


def test_an_agreement_may_have_a_slash_as_contracts_do(tmp_path: Path) -> None:
    """Numbers such as 2024/17 are taken, for none of them goes on from another's end."""
    ids = ["2024/17", "2024/1", "2024/171", "17/2024"]
    agreements = Agreements.load(agreements_csv(tmp_path, *(GOOD.replace("A-1", i) for i in ids)))
    assert ids == agreements.merchants


def test_agreements_that_are_no_table_are_refused_by_name(tmp_path: Path) -> None:
    """A missing file, a missing column and rubbish are each said so."""
    with pytest.raises(BadInput, match=r"gone.csv cannot be opened"):
        Agreements.load(tmp_path / "gone.csv")
    (tmp_path / "short.csv").write_text("agreement_id\nA-1\n")
    with pytest.raises(BadInput, match=r"short.csv has no column participant_id"):
        Agreements.load(tmp_path / "short.csv")
    (tmp_path / "rubbish.parquet").write_bytes(b"rubbish")
    with pytest.raises(BadInput, match=r"rubbish.parquet cannot be read"):
        Agreements.load(tmp_path / "rubbish.parquet")


def test_a_row_is_the_line_an_editor_shows(tmp_path: Path) -> None:
    """Blank lines and the header count in CSV; what is no file counts its rows from 1."""
    with pytest.raises(BadInput, match=r"agreements.csv, row 4, role: 'broker'"):
        Agreements.load(agreements_csv(tmp_path, GOOD, "", GOOD.replace("merchant", "broker")))
    with pytest.raises(BadInput, match=r"agreements.csv, row 3: 1 fields, not 21"):
        Agreements.load(agreements_csv(tmp_path, GOOD, "A-2"))
    table = pa.Table.from_pylist([dict(zip(HEADER.split(","), GOOD.split(","), strict=True))])
    with pytest.raises(BadInput, match=r"agreements, row 1, fee_ppm: 'x'"):
        Agreements.of(table.set_column(4, "fee_ppm", pa.array(["x"])))


def rates(tmp_path: Path, *lines: str) -> Rates:
    path = tmp_path / "rates.csv"
    path.write_text("\n".join(("as_of,currency,per_euro", *lines, "")))
    return Rates.load(path)


def test_the_last_published_rates_serve_for_five_days(tmp_path: Path) -> None:
    """A weekend uses Friday's rates; a week-old rate is refused."""
    known = rates(tmp_path, "2024-12-19,USD,1.0395", "2024-12-20,USD,1.039")
    assert date(2024, 12, 20) == known.on(date(2024, 12, 25)).as_of
    assert date(2024, 12, 19) == known.on(date(2024, 12, 19)).as_of
    with pytest.raises(BadInput, match="more than 5 days old"):
        known.on(date(2024, 12, 26))
    with pytest.raises(BadInput, match="no rates are published on or before 2024-12-18"):
        known.on(date(2024, 12, 18))


def test_the_mid_rate_is_the_cross_through_the_euro(tmp_path: Path) -> None:
    """Rounded half-even to eight decimals; a currency without a quotation has none."""
    day = rates(tmp_path, "2024-12-18,USD,1.0496", "2024-12-18,CNY,7.6463").on(date(2024, 12, 18))
    assert day.mid("CNY", "USD").value_e8 == 13_726_901
    with pytest.raises(MoneyError, match="no rate for KRW"):
        day.mid("KRW", "USD")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2024-12-18,USX,1.0", "row 2, currency: currency 'USX'"),
        ("2024-12-18,USD,0", "row 2, per_euro"),
        ("2024-12-18,USD,NaN", "row 2, per_euro"),
        ("2024-12-18,USD,1.123456789", "row 2, per_euro"),
        ("yesterday,USD,1.0", "row 2, as_of: 'yesterday' is not a date"),
    ],
)
def test_a_rate_that_does_not_fit_is_named(tmp_path: Path, line: str, why: str) -> None:
    """File, row, field and reason, in one line."""
    with pytest.raises(BadInput, match=f"rates.csv, {why}"):
        rates(tmp_path, line)
