"""The report as one HTML page that needs nothing but itself: no network, no second file."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from settle.report import figures, wording
from settle.report.charts import charts
from settle.report.matrix import age_rows, net_columns, places, state_rows, states_shown
from settle.report.payments import ExceptionKind
from settle.report.reconciliation import AGES
from settle.report.summary import MEANINGS, sentence

if TYPE_CHECKING:
    from jinja2 import Environment

    from settle.report.model import MorningReport


def page(report: MorningReport) -> str:
    """The whole page. This is a pure function of the report."""
    drawn = charts(report)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            summary=sentence(report),
            charts={name: island(figure) for name, figure in drawn.items()},
            plotly=_plotly() if drawn else "",
            style=_asset("report.css"),
            script=_asset("charts.js"),
            states=states_shown(report.payments.states),
            state_rows=state_rows(report.payments.states),
            net_columns=net_columns(report.settled),
            places=places(report.flows),
            age_rows=age_rows(report.breaks.totals),
        )
    )


def island(value: Any) -> Markup:
    """JSON that stands safely inside a script element. This lets no name end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - no sign that HTML knows is left in it


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("settle.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        amount=figures.amount, money=figures.money, count=figures.count, share=figures.share,
        instant=figures.instant, day=figures.day, plural=figures.plural, words=wording.words,
        state=wording.state, break_kind=wording.break_kind, reason=wording.reason,
    )  # fmt: skip
    environment.globals.update(
        kinds=list(ExceptionKind), exceptions=wording.EXCEPTIONS, pressing=wording.PRESSING,
        meanings=MEANINGS, ages=AGES,
    )  # fmt: skip
    return environment


def _asset(name: str) -> Markup:
    text = resources.files("settle.report").joinpath("templates", name).read_text("utf-8")
    return Markup(text)  # noqa: S704 - our own file


@cache
def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    library: str = get_plotlyjs()
    assert "</script" not in library.lower()
    return Markup(library)  # noqa: S704 - the library itself
