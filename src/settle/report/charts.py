"""The charts, drawn by plotly: bars that compare shares and counts, and the flows of money.

Amounts enter a chart as integers of minor units and are shown as text made by `figures`; a bar
holds one currency, so that two are never added. Every figure here stands in a table as well.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from settle.report import wording
from settle.report.clearing import Flow
from settle.report.figures import count, money
from settle.report.matrix import age_rows, places, state_rows, states_shown
from settle.report.reconciliation import AGES

if TYPE_CHECKING:
    from settle.report.model import MorningReport

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
BOOKED, ON_THE_WAY, WAITING, RETURNED, CARRIED = (
    "#2f8f6b", "#4f86c6", "#d9a441", "#e07a5f", "#aab4c0",
)  # fmt: skip
PERCENT_AXIS = {"ticksuffix": " %", "range": [0, 100], "dtick": 20}
NODE_COLOURS = (
    "#4f86c6", "#2f8f6b", "#d9a441", "#8b6fc0", "#e07a5f", "#5aa9a3", "#b0728f", "#8a94a3",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One colour of a stacked bar chart: a value and its text for each bar."""

    name: str
    colour: str
    values: Sequence[int]
    texts: Sequence[str]


def label(text: str) -> str:
    """Text that plotly shows as it is. This neutralises the HTML that its labels understand."""
    return html.escape(text, quote=False)


def charts(report: MorningReport) -> dict[str, dict[str, Any]]:
    """Every chart that has something to show, by name, as plotly's plain figure."""
    drawn = {
        "settled": _settled(report),
        "netting": _netting(report),
        "payments": _payments(report),
        "matching": _matching(report),
        "breaks": _breaks(report),
        "flows": _flows(report.flows),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _settled(report: MorningReport) -> dict[str, Any]:
    rows = [row for row in report.settled if row.obligations_minor or row.carried_forward_minor]
    parts = {
        "Paid": (BOOKED, [row.paid_minor for row in rows]),
        "On the way": (ON_THE_WAY, [row.on_the_way_minor for row in rows]),
        "Waiting": (WAITING, [row.waiting_minor for row in rows]),
        "Returned": (RETURNED, [row.returned_minor for row in rows]),
        "Carried forward": (CARRIED, [row.carried_forward_minor for row in rows]),
    }
    return _amounts([row.currency for row in rows], parts)


def _netting(report: MorningReport) -> dict[str, Any]:
    rows = [row for row in report.netting if row.gross_minor > 0]
    parts = {
        "Paid out, net": (BOOKED, [row.net_minor for row in rows]),
        "Netted away": (CARRIED, [row.gross_minor - row.net_minor for row in rows]),
    }
    return _amounts([row.currency for row in rows], parts)


def _matching(report: MorningReport) -> dict[str, Any]:
    rows = [row for row in report.reconciliation.rates if row.lines]
    parts = {
        "Matched": (BOOKED, [row.value_matched_minor for row in rows]),
        "Not matched": (RETURNED, [row.value_minor - row.value_matched_minor for row in rows]),
    }
    return _amounts([row.currency for row in rows], parts)


def _payments(report: MorningReport) -> dict[str, Any]:
    rows = state_rows(report.payments.states)
    series = []
    for place, name in enumerate(states_shown(report.payments.states)):
        counts = [cell.count if (cell := row.cells[place]) else 0 for row in rows]
        colour = wording.STATES.get(name, ("", CARRIED))[1]
        series.append(_counts(wording.state(name), colour, counts))
    bars = [f"{row.currency} · {row.rail}" for row in rows]
    return _stacked(bars, series, axis=_count_axis(series), title="payments")


def _breaks(report: MorningReport) -> dict[str, Any]:
    rows = age_rows(report.breaks.totals)
    series = [
        _counts(age, colour, [row.counts[place] for row in rows])
        for place, (age, colour) in enumerate(zip(AGES, wording.AGE_COLOURS, strict=True))
    ]
    bars = [wording.break_kind(row.kind) for row in rows]
    return _stacked(bars, series, axis=_count_axis(series), title="open breaks")


def _counts(name: str, colour: str, values: Sequence[int]) -> Series:
    return Series(name=name, colour=colour, values=values, texts=[count(value) for value in values])


def _amounts(
    currencies: Sequence[str], parts: Mapping[str, tuple[str, Sequence[int]]]
) -> dict[str, Any]:
    series = [
        Series(
            name=name,
            colour=colour,
            values=[max(value, 0) for value in values],  # a debt to us has no share of the bar
            texts=[money(value, code) for value, code in zip(values, currencies, strict=True)],
        )
        for name, (colour, values) in parts.items()
    ]
    return _stacked(currencies, series, axis=PERCENT_AXIS, title="share of each currency's value")


def _stacked(
    bars: Sequence[str], series: Sequence[Series], *, axis: Mapping[str, Any], title: str
) -> dict[str, Any]:
    shown = [one for one in series if any(one.values)]
    if not bars or not shown:
        return {}
    import plotly.graph_objects as go

    names = [label(bar) for bar in bars]
    figure = go.Figure(
        data=[
            go.Bar(
                name=label(one.name),
                y=names,
                x=list(one.values),
                customdata=[label(text) for text in one.texts],
                hovertemplate="%{y}: %{customdata}<extra>%{fullData.name}</extra>",
                marker={"color": one.colour, "line": {"width": 0}},
                orientation="h",
            )
            for one in shown
        ],
        layout=_bar_layout(len(bars), axis=axis, title=title),
    )
    return _plain(figure)


def _count_axis(series: Sequence[Series]) -> Mapping[str, Any]:
    longest = max(
        (sum(bar) for bar in zip(*(one.values for one in series), strict=True)), default=0
    )
    return {"tickformat": ",d", **({"dtick": 1} if longest <= 12 else {})}


def _bar_layout(bars: int, *, axis: Mapping[str, Any], title: str) -> dict[str, Any]:
    return {
        **_layout(),
        "barmode": "stack",
        "barnorm": "percent" if axis is PERCENT_AXIS else "",
        "bargap": 0.32,
        "height": 24 * bars + 110,
        "margin": {"l": 8, "r": 32, "t": 44, "b": 48},
        "legend": {
            "orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal",
        },
        "xaxis": {
            "title": {"text": title, "standoff": 8, "font": {"size": 12}},
            "zeroline": False, "gridcolor": "rgba(128,140,155,0.22)", "fixedrange": True,
            "rangemode": "tozero", **axis,
        },
        "yaxis": {
            "autorange": "reversed", "automargin": True, "fixedrange": True, "type": "category",
            "ticklabelstandoff": 6,
        },
    }  # fmt: skip


def _flows(flows: Sequence[Flow]) -> dict[str, Any]:
    currencies = sorted({flow.currency for flow in flows if flow.amount_minor > 0})
    if not currencies:
        return {}
    import plotly.graph_objects as go

    colours = _colours(flows)
    pictures = [
        _sankey(
            [flow for flow in flows if flow.currency == code and flow.amount_minor > 0], colours
        )
        for code in currencies
    ]
    first = _fullest(currencies, flows)
    for place, picture in enumerate(pictures):
        picture.visible = place == first
    layout = {**_layout(), "height": 600, "margin": {"l": 8, "r": 8, "t": 56, "b": 16}}
    layout["updatemenus"] = [_menu(currencies, active=first)]
    return _plain(go.Figure(data=pictures, layout=layout))


def _colours(flows: Sequence[Flow]) -> Mapping[str, str]:
    names = dict.fromkeys(place.name for place in places(flows))
    return {name: NODE_COLOURS[number % len(NODE_COLOURS)] for number, name in enumerate(names)}


def _sankey(flows: Sequence[Flow], colours: Mapping[str, str]) -> Any:
    import plotly.graph_objects as go

    through = places(flows)
    nodes = [place.name for place in through]
    return go.Sankey(
        arrangement="snap",
        node={
            "label": [
                f"{label(place.name)}<br>{money(place.amount_minor, place.currency)}"
                for place in through
            ],
            "color": [colours[name] for name in nodes],
            "hovertemplate": "%{label}<extra></extra>",
            "pad": 30, "thickness": 14, "line": {"width": 0},
        },
        link={
            "source": [nodes.index(flow.source) for flow in flows],
            "target": [nodes.index(flow.target) for flow in flows],
            "value": [flow.amount_minor for flow in flows],
            "color": [_pale(colours[flow.source]) for flow in flows],
            "customdata": [_arrow(flow) for flow in flows],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )  # fmt: skip


def _arrow(flow: Flow) -> str:
    ends = f"{label(flow.source)} → {label(flow.target)}"
    return f"{ends}<br>{money(flow.amount_minor, flow.currency)}"


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.28)"


def _fullest(currencies: Sequence[str], flows: Sequence[Flow]) -> int:
    arrows = [sum(flow.currency == code for flow in flows) for code in currencies]
    return arrows.index(max(arrows))


def _menu(currencies: Sequence[str], *, active: int) -> dict[str, Any]:
    return {
        "buttons": [
            {
                "label": label(code),
                "method": "restyle",
                "args": [{"visible": [other == code for other in currencies]}],
            }
            for code in currencies
        ],
        "active": active, "direction": "down", "showactive": True, "pad": {"l": 0, "b": 8},
        "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
    }  # fmt: skip


def _layout() -> dict[str, Any]:
    return {
        "template": {},
        "font": {"family": FONT, "size": 12.5},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"font": {"family": FONT, "size": 12.5}},
    }


def _plain(figure: Any) -> dict[str, Any]:
    plain: dict[str, Any] = figure.to_plotly_json()
    return {"data": plain["data"], "layout": plain["layout"]}
