"""The page: self-contained, escaped, and readable without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from settle.ledger import Proof
from settle.report import (
    Breaks,
    Direction,
    ExceptionKind,
    ExitCode,
    Flow,
    MorningReport,
    OpenBreak,
    StateCount,
    page,
)
from settle.report.charts import charts
from settle.report.figures import amount
from settle.report.payments import Payments

HOSTILE = '</script><script>alert("x")</script>'


class Page(HTMLParser):
    """What a reader sees without scripts: table cells, and every attribute and tag."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.cells: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self._open):
            return
        self.text.append(data)
        if {"td", "th"} & set(self._open):
            self.cells[-1] += data + "\n"


@pytest.fixture(scope="session")
def shown(rich: MorningReport) -> Page:
    return Page(page(rich))


def without_library(text: str) -> str:
    return re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)


def test_nothing_is_fetched_from_anywhere(rich: MorningReport, shown: Page) -> None:
    """No element names a resource outside the page, and the page forbids the network itself."""
    loading = ("src", "srcset", "data", "action", "poster", "background")
    outside = [value for name, value in shown.attributes if name in loading]
    links = [value for name, value in shown.attributes if name == "href"]

    assert outside == []
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"https?://|@import|url\(", without_library(page(rich)))
    assert any("default-src 'none'" in value for _, value in shown.attributes)
    assert {"link", "img", "iframe", "object", "base"}.isdisjoint(shown.tags)


def test_the_chart_library_stands_in_the_page_once(
    rich: MorningReport, nothing: MorningReport
) -> None:
    """A page with charts carries the library one time, and a page without charts not at all."""
    assert page(rich).count("plotly.js v") == 1
    assert page(nothing).count("plotly.js v") == 0


def test_names_are_shown_and_never_obeyed(rich: MorningReport, shown: Page) -> None:
    """A beneficiary called like a tag is text on the page, and adds no element to it."""
    assert "b" not in shown.tags
    assert any("<b>Müller & Söhne</b>" in cell for cell in shown.cells)
    assert any("<script>alert(1)</script>" in cell for cell in shown.cells)


def test_a_name_cannot_end_the_script_that_carries_a_chart(rich: MorningReport) -> None:
    """Names inside a chart's JSON cannot close its element or open another."""
    flow = Flow(currency="EUR", source=HOSTILE, target="Clearing", amount_minor=1)
    state = StateCount(rail=HOSTILE, currency="EUR", state=HOSTILE, count=1, amount_minor=1)
    hostile = replace(rich, tenant=HOSTILE, flows=(flow,), payments=Payments.of([state], ()))

    tags = Page(page(hostile)).tags

    assert Page(page(rich)).tags.count("script") == tags.count("script")


def test_chart_labels_neutralise_what_the_library_reads_as_html(rich: MorningReport) -> None:
    """The library understands tags in labels, so that a name reaches it with its signs escaped."""
    flow = Flow(currency="EUR", source="<b>A & B</b>", target="Clearing", amount_minor=1)

    drawn = str(charts(replace(rich, flows=(flow,)))["flows"])

    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in drawn
    assert "<b>" not in drawn


def test_every_figure_of_a_chart_stands_in_a_table(rich: MorningReport, shown: Page) -> None:
    """With scripts off, or printed, the tables say all that the charts say."""
    said = {line.strip() for cell in shown.cells for line in cell.split("\n")}
    drawn = {text for figure in charts(rich).values() for text in texts(figure)}

    assert len(drawn) > 150
    assert set() == drawn - said


def texts(figure: dict[str, Any]) -> Iterator[str]:
    for trace in figure["data"]:
        if trace["type"] == "bar":
            labels = [text for text in trace["customdata"] if text != "0"]
        else:
            labels = [*trace["node"]["label"], *trace["link"]["customdata"]]
        for label in labels:
            figure_only = label.split("<br>")[-1].rpartition("\u00a0")[2]
            if figure_only not in ("0.00", "0"):
                yield figure_only


def test_a_bar_never_adds_two_currencies(rich: MorningReport) -> None:
    """Each bar of amounts is one currency, drawn as shares of its own whole."""
    drawn = charts(rich)
    for name in ("settled", "netting", "matching"):
        assert drawn[name]["layout"]["barnorm"] == "percent"
        for trace in drawn[name]["data"]:
            assert list(trace["y"]) == [text[:3] for text in trace["customdata"]]


def test_a_negative_amount_takes_no_share_of_a_bar(rich: MorningReport) -> None:
    """A negative carry-forward stands in the table and cannot push the other shares past 100 %."""
    owing = replace(rich.settled[0], carried_forward_minor=-500)

    report = replace(rich, settled=(owing, *rich.settled[1:]))

    assert all(min(trace["x"]) >= 0 for trace in charts(report)["settled"]["data"])
    assert "−5.00" in "".join(Page(page(report)).cells)


def test_flows_offer_one_picture_a_currency(rich: MorningReport) -> None:
    """The menu shows one currency's flows and hides the others."""
    figure = charts(rich)["flows"]
    buttons = figure["layout"]["updatemenus"][0]["buttons"]

    assert 15 == len(figure["data"]) == len(buttons)
    assert sum(trace["visible"] for trace in figure["data"]) == 1
    assert all(sum(button["args"][0]["visible"]) == 1 for button in buttons)


def test_yen_and_won_have_no_decimals(rich: MorningReport, shown: Page) -> None:
    """A currency without minor units is shown in whole units, with its separators."""
    assert any("JPY\u00a0854,300\n" in cell for cell in shown.cells)
    assert any("KRW\u00a01,250,000\n" in cell for cell in shown.cells)
    assert not re.search(r"(JPY|KRW)\u00a0[\d,]+\.\d", "".join(shown.text))


def test_the_long_tail_is_counted_where_it_is_not_listed(shown: Page) -> None:
    """Of 61 payments that wait for funds 25 are listed, and the page says so."""
    text = " ".join(shown.text)

    assert "36 more payments of this kind not listed here" in text
    assert sum("Fjord Handel" in cell for cell in shown.cells) == 25


def test_a_night_with_nothing_says_so(nothing: MorningReport) -> None:
    """An empty night is a page of sentences and no empty tables."""
    empty = Page(page(nothing))

    assert "table" not in empty.tags
    assert any("No records came in." in text for text in empty.text)
    assert any("Nothing to settle; nothing is open." in text for text in empty.text)


def test_a_clean_night_has_no_exceptions(clean: MorningReport) -> None:
    """A clean night says that there is nothing to look at, and still shows its figures."""
    calm = Page(page(clean))

    assert any("Nothing to look at" in text for text in calm.text)
    assert any("No breaks are open." in text for text in calm.text)
    assert any(amount(clean.settled[0].net_minor, "AUD") in cell for cell in calm.cells)


@pytest.mark.parametrize("code", list(ExitCode))
def test_the_headline_says_what_the_exit_code_means(rich: MorningReport, code: ExitCode) -> None:
    """Each exit code has its own words and colour at the top."""
    text = page(replace(rich, exit_code=code))

    assert f'class="banner code-{code.value}"' in text
    assert f"exit code {code.value}" in text


def test_a_proof_that_does_not_hold_is_said_first(rich: MorningReport) -> None:
    """A failed proof is named in the sentence at the top and marked in its table."""
    bad = Proof(name="trial balance", currency="CHF", subject="all accounts", ledger_minor=1,
                other_minor=0, holds=False)  # fmt: skip

    text = " ".join(Page(page(replace(rich, proofs=(*rich.proofs, bad)))).text)

    assert "a nightly check that does not hold (trial balance in CHF)" in text
    assert "does not hold" in text


def test_words_nobody_has_heard_of_are_shown_as_they_are(nothing: MorningReport) -> None:
    """A state, break kind or code missing from the word list is shown, not dropped."""
    state = StateCount(rail="r", currency="EUR", state="half_done", count=1, amount_minor=5)
    odd = OpenBreak(break_id="B-1", kind="odd_thing", opened_on=nothing.day, age_days=0,
                    currency="EUR", amount_minor=1, direction=Direction.IN)  # fmt: skip
    report = replace(nothing, payments=Payments.of([state], ()), breaks=Breaks.of([odd], []))

    cells = "".join(Page(page(report)).cells)

    assert "Half done" in cells
    assert "Odd thing" in cells


def test_every_kind_of_exception_has_words() -> None:
    """No kind of exception can reach the page without its name and explanation."""
    from settle.report.wording import EXCEPTIONS

    assert list(ExceptionKind) == list(EXCEPTIONS)
