"""The merchant's statement: it adds up, it hides the account, and no name in it is run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.properties.netting_world import DAY, RATES, record, terms

from settle.clearing import Agreements, Cutoff, close, take
from settle.clearing.files import ClosedWindow
from settle.clearing.lake import Lake
from settle.engine import Engine
from settle.errors import BadInput
from settle.report.figures import amount
from settle.report.merchant_statement import (
    MerchantStatement,
    masked,
    merchant_statement,
    statement_page,
    write_statement,
)
from settle.store import Store

HOSTILE = '<script>alert("x")</script>'


class Table(HTMLParser):
    """Rows of cells, and tags, as a reader without scripts has them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.text: list[str] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name in ("src", "href", "onclick")]
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def statement(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MerchantStatement]:
    """Of a merchant that sold in two currencies, gave back, was charged and keeps a reserve."""
    root = tmp_path_factory.mktemp("statement")
    shutil.copyfile(sqlite_template, root / "settle.db")
    store, engine = Store.open(f"sqlite:///{root / 'settle.db'}"), Engine(threads=1)
    own = terms(
        "M1", fee_ppm=29_000, tax_ppm=190_000, fee_fixed_minor=30, reserve_ppm=50_000,
        reserve_days=90, fx_markup_ppm=6_100, beneficiary_name=HOSTILE,
        beneficiary_account="DE89 3704 0044 0532 0130 00",
    )  # fmt: skip
    agreements = Agreements.of(pa.Table.from_pylist([own, terms("P1", role="partner")]))
    rows = [
        record(1, amount_minor=10_000), record(2, amount_minor=3_333, currency="USD"),
        record(3, amount_minor=777, currency="USD", kind="refund"),
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows).drop_columns(["occurred_window", "original_on"])
    where: dict[str, Any] = {"store": store, "engine": engine, "lake": root / "lake"}
    cutoff = Cutoff()
    take(table, name="b", received_at=cutoff.ends_at(DAY), agreements=agreements, cutoff=cutoff,
         **where)  # fmt: skip
    close(DAY, as_of=cutoff.ends_at(DAY) + timedelta(hours=9), agreements=agreements, rates=RATES,
          cutoff=cutoff, **where)  # fmt: skip
    with store.reading() as connection:
        window = ClosedWindow.of(connection, day=DAY, lake=Lake(root / "lake"))
        with pytest.raises(BadInput, match="A-M9"):
            merchant_statement(connection, window=window, agreement_id="A-M9", tenant="acme")
        yield merchant_statement(connection, window=window, agreement_id="A-M1", tenant="acme")
    store.close()
    engine.close()


def test_every_table_of_the_page_adds_up(statement: MerchantStatement) -> None:
    """The figures a reader sees above a sum come to that sum, to the last unit."""
    (account,) = statement.accounts
    for conversion in account.conversions:
        assert conversion.net_minor == sum(line.amount_minor for line in conversion.lines)
    settled = sum(conversion.settled.amount_minor for conversion in account.conversions)
    assert account.net_minor == settled + sum(line.amount_minor for line in account.lines)
    assert account.rest_minor == account.net_minor + sum(x.amount_minor for x in account.steps)
    assert account.rest_minor == sum(line.amount_minor for line in account.ends)
    shown = [row[1] for row in Table(statement_page(statement)).rows if len(row) == 3]
    for line in (*account.lines, *account.ends):
        assert amount(line.amount_minor, line.currency) in shown


def test_a_conversion_says_its_rate_its_mid_rate_and_its_markup(
    statement: MerchantStatement,
) -> None:
    """A merchant can see what it was converted at, and what of that is ours."""
    text = " ".join(Table(statement_page(statement)).text)
    conversion = next(x for x in statement.accounts[0].conversions if x.currency == "USD")
    for shown in (conversion.rate, conversion.mid_rate, "0.6100\u00a0%", "ECB:2024-12-18:USD/EUR"):
        assert shown in text


def test_what_is_paid_is_told_with_its_day_and_a_masked_account(
    statement: MerchantStatement,
) -> None:
    """When and where, but never the whole account; not in the JSON either."""
    payout = statement.accounts[0].payout
    assert payout is not None
    assert ("•••• 3000", date(2024, 12, 19)) == (payout.account, payout.value_date)
    page = statement_page(statement)
    assert "•••• 3000" in page
    assert not re.search(r"0532\s*0130", page)


@pytest.mark.parametrize("account", ["", "1", "12345678"])
def test_a_short_account_is_hidden_whole(account: str) -> None:
    """Four signs of eight would be half of it."""
    assert "••••" == masked(account)


def test_the_reserve_held_is_told_with_its_day(statement: MerchantStatement) -> None:
    """Each slice says when it is released."""
    (held,) = statement.held
    assert held.release_on is not None
    page = Table(statement_page(statement))
    assert [held.release_on.isoformat(), "2024-12-18", amount(held.amount_minor, "EUR"), "EUR"] in (
        page.rows
    )


def test_no_name_is_run_and_nothing_is_fetched(statement: MerchantStatement) -> None:
    """A merchant called like a script is shown; the page has no script, no link, no other file."""
    page = statement_page(statement)
    tags = Table(page).tags
    assert HOSTILE not in page
    assert not {"script", "img", "link", "iframe"} & set(tags)
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_empty_window_says_so(statement: MerchantStatement) -> None:
    """Nothing to settle is said, not left blank."""
    page = statement_page(replace(statement, accounts=(), held=()))
    assert "Nothing to settle" in page


def test_the_json_beside_it_has_the_same_figures(
    statement: MerchantStatement, tmp_path: Path
) -> None:
    """Two files, the same each time, amounts as integers with their exponent."""
    html_path, json_path = write_statement(statement, tmp_path)
    assert "statement_A-M1_2024-12-18.html" == html_path.name
    first = html_path.read_bytes(), json_path.read_bytes()
    write_statement(statement, tmp_path)
    assert first == (html_path.read_bytes(), json_path.read_bytes())
    told = json.loads(first[1])
    (account,) = told["accounts"]
    assert (statement.accounts[0].rest_minor, 2) == (account["rest_minor"], account["exponent"])
