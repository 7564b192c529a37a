"""The funding file: what it says holds on its days, and each fault is named with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from settle.clearing.funding import AccountRow, FundingReference
from settle.errors import BadInput

DAY = date(2024, 12, 18)
SINCE = "effective_from = 2024-01-01\n"
HEAD = '[funding]\ncosts_account = "ours"\n'


def account(name: str, currency: str, owner: str = "clients", more: str = SINCE) -> str:
    return (
        f'[[account]]\naccount_id = "{name}"\nrail = "lark"\naccount = "{currency}-1"\n'
        f'currency = "{currency}"\nowner = "{owner}"\n{more}'
    )


ACCOUNTS = HEAD + account("euros", "EUR") + account("ours", "EUR", "own") + account("usd", "USD")


def pays(countries: str, more: str = SINCE, *, name: str = "euros") -> str:
    return f'[[pays]]\ncurrency = "EUR"\ncountries = [{countries}]\naccount_id = "{name}"\n{more}'


def way(table: str, source: str, target: str, more: str) -> str:
    return (
        f'[[{table}]]\nsource = "{source}"\ntarget = "{target}"\nzone = "Europe/Berlin"\n'
        f'cutoff = "15:00"\n{SINCE}{more}'
    )


TRANSFER = 'opens = "08:00"\nlead_minutes = 60\n'
TRADE = 'lands = "16:00"\nspread_ppm = 500\n'


def loaded(folder: Path, text: str) -> FundingReference:
    (folder / "funding.toml").write_text(text, encoding="utf-8")
    return FundingReference.load(folder / "funding.toml")


def paid_from(reference: FundingReference, country: str, day: date = DAY) -> str:
    found = reference.payer("EUR", country, day)
    return found.account_id if isinstance(found, AccountRow) else found


def test_a_country_of_its_own_goes_before_all_countries(tmp_path: Path) -> None:
    """The row of a country is used for it, and `*` for every other."""
    text = ACCOUNTS + pays('"*"') + pays('"FR", "NL"', name="ours")
    reference = loaded(tmp_path, text)
    assert ["ours", "ours", "euros"] == [paid_from(reference, c) for c in ("FR", "NL", "DE")]


def test_a_pair_without_a_cell_is_told_by_name(tmp_path: Path) -> None:
    """Nothing is guessed: what is missing is named, with the file and the day."""
    told = paid_from(loaded(tmp_path, ACCOUNTS + pays('"DE"')), "FR")
    assert "EUR to FR is not in the matrix of funding.toml on 2024-12-18" == told


def test_rows_hold_on_their_days_and_the_latest_wins(tmp_path: Path) -> None:
    """A row that begins later replaces the earlier; after its end the earlier holds again."""
    later = "effective_from = 2024-12-19\neffective_until = 2024-12-20\n"
    text = ACCOUNTS + pays('"DE"') + pays('"DE"', later, name="ours")
    reference = loaded(tmp_path, text)
    days = [date(2024, 12, day) for day in (18, 19, 20, 21)]
    assert ["euros", "ours", "ours", "euros"] == [paid_from(reference, "DE", d) for d in days]


def test_a_cell_whose_account_is_not_in_force_pays_nothing(tmp_path: Path) -> None:
    """The cell is named, and no other account stands in."""
    ended = "effective_from = 2023-01-01\neffective_until = 2023-12-31\n"
    text = HEAD + account("euros", "EUR", more=ended) + account("ours", "EUR", "own")
    told = paid_from(loaded(tmp_path, text + pays('"DE"')), "DE")
    assert "account euros of funding.toml, pays row 1 is not in force on 2024-12-18" == told


FAULTS = {
    "costs_account 'ours' is no account": HEAD + account("euros", "EUR"),
    "costs_account 'euros' is no account": 'funding.costs_account = "euros"\n'
    + account("euros", "EUR"),
    "has no table [funding]": account("euros", "EUR"),
    "rows is none of account": ACCOUNTS + "[[rows]]\nx = 1\n",
    "account row 4: account_id is missing": ACCOUNTS + '[[account]]\nrail = "lark"\n' + SINCE,
    "account row 4: currency": ACCOUNTS + account("other", "XXY"),
    "account row 4: owner 'P1' is none of": ACCOUNTS + account("other", "EUR", "P1"),
    "account row 4: account_id is 'euros' in": ACCOUNTS + account("other", "EUR"),
    "account row 4: effective_from is that of": ACCOUNTS + account("usd", "USD"),
    "account row 4: effective_until 2023-01-01 is before": ACCOUNTS
    + account("other", "GBP", more=SINCE + "effective_until = 2023-01-01\n"),
    "account row 4: collour is not a field": ACCOUNTS
    + account("other", "GBP", more=SINCE + 'collour = "red"\n'),
    "pays row 1: countries 'Germany' is no ISO": ACCOUNTS + pays('"Germany"'),
    "pays row 1: countries names none": ACCOUNTS + pays(""),
    "pays row 1: account_id 'nobody' is no": ACCOUNTS + pays('"DE"', name="nobody"),
    "pays row 1: account_id 'usd' holds USD": ACCOUNTS + pays('"DE"', name="usd"),
    "pays row 1: zone is missing": ACCOUNTS + pays('"DE"', SINCE + 'cutoff = "15:00"\n'),
    "pays row 1: cutoff stands beside": ACCOUNTS
    + pays('"DE"', SINCE + 'cutoff = "15:00"\nzone = "Europe/Berlin"\nprovider = "x"\n'),
    "transfer row 1: target would make clients' money ours": ACCOUNTS
    + way("transfer", "euros", "ours", TRANSFER),
    "transfer row 1: target holds USD": ACCOUNTS + way("transfer", "euros", "usd", TRANSFER),
    "transfer row 1: target is the source": ACCOUNTS + way("transfer", "euros", "euros", TRANSFER),
    "transfer row 1: lead_minutes 0 is not": ACCOUNTS
    + way("transfer", "ours", "euros", 'opens = "08:00"\nlead_minutes = 0\n'),
    "transfer row 1: opens 15:00 is not before": ACCOUNTS
    + way("transfer", "ours", "euros", 'opens = "15:00"\nlead_minutes = 60\n'),
    "trade row 1: target holds EUR, as": ACCOUNTS + way("trade", "ours", "euros", TRADE),
    "trade row 1: cutoff 15:00 is not before 14:00": ACCOUNTS
    + way("trade", "euros", "usd", 'lands = "14:00"\nspread_ppm = 500\n'),
    "trade row 1: spread_ppm 1000000 is not": ACCOUNTS
    + way("trade", "euros", "usd", 'lands = "16:00"\nspread_ppm = 1000000\n'),
    "own_need row 1: value_date 9999-12-31 at 23:59:00 is no instant": ACCOUNTS
    + '[[own_need]]\nneed_id = "n"\ncurrency = "EUR"\namount_minor = 1\n'
    + f'value_date = 9999-12-31\nzone = "America/New_York"\ntime = "23:59"\n{SINCE}',
    "is not TOML": "[[[",
    "is not TOML: Exceeds the limit": HEAD + account("euros", "EUR", more="x = " + "9" * 5_000),
    "is not TOML: maximum recursion": HEAD + "x = " + "[" * 100_000,
}


@pytest.mark.parametrize("told", FAULTS)
def test_a_fault_is_named_with_its_row_and_field(tmp_path: Path, told: str) -> None:
    """The message says where it stands and why, and nothing of the file is taken."""
    with pytest.raises(BadInput) as refused:
        loaded(tmp_path, FAULTS[told])
    assert told in refused.value.message
    assert refused.value.message.startswith("funding.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The name is told, and not the path."""
    with pytest.raises(BadInput, match=r"^funding\.toml cannot be opened"):
        FundingReference.load(tmp_path / "funding.toml")


def test_an_account_that_no_rail_has_is_refused(tmp_path: Path) -> None:
    """A slip in an account's number is found before anything is paid from it."""
    reference = loaded(tmp_path, ACCOUNTS)
    known = {("lark", "EUR-1", "EUR"), ("lark", "USD-1", "USD")}
    reference.refuse_strangers(known)
    with pytest.raises(BadInput, match="account row 3: account lark has no account 'USD-1'"):
        reference.refuse_strangers({("lark", "EUR-1", "EUR")})
