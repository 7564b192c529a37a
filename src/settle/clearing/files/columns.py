"""The columns of the files, and how each stands in CSV: text that no spreadsheet runs.

Amounts are decimals of their currency. Those with a direction are absolute, with `C` towards the
participant and `D` from it (zero is `D`); the others are signed towards the participant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from settle.money import RATE_DECIMALS, currencies, exponent

if TYPE_CHECKING:
    import pyarrow as pa

END = "<END>"
EOL = "\r\n"
ACTIVE = "=+-@\t\r\n＝＋－＠"
"""A text that begins so might be run by a spreadsheet: an apostrophe is put before it."""


class Form(StrEnum):
    """How a column stands in CSV."""

    TEXT = "text"
    PLAIN = "plain"  # text of ours, a code or a number that needs no care
    COUNT = "count"
    INSTANT = "instant"
    RATE = "rate"
    SIGNED = "signed"
    DIRECTED = "directed"  # two cells: absolute, and D or C


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `name` in Parquet; `title` in CSV; amounts are in what the column `of` says."""

    name: str
    title: str
    form: Form
    of: str = "currency"
    direction: str = ""

    @property
    def titles(self) -> tuple[str, ...]:
        """Its cells in CSV."""
        return (self.title, self.direction) if self.direction else (self.title,)


def _same(name: str, form: Form) -> Column:
    return Column(name=name, title=name, form=form)


def _amount(title: str) -> Column:
    return Column(name=f"{title}_minor", title=title, form=Form.SIGNED)


AMOUNT = Column(name="amount_minor", title="amount", form=Form.DIRECTED, direction="direction")
SETTLED = Column(
    name="settled_minor", title="settled", form=Form.DIRECTED, of="settlement_currency",
    direction="settled_direction",
)  # fmt: skip

DETAILS: Sequence[Column] = (
    _same("type", Form.PLAIN),
    _same("agreement_id", Form.TEXT),
    _same("part", Form.TEXT),
    _same("window_id", Form.PLAIN),
    _same("record_id", Form.TEXT),
    _same("original_record_id", Form.TEXT),
    _same("kind", Form.PLAIN),
    _same("counterparty_id", Form.TEXT),
    _same("occurred_at", Form.INSTANT),
    _same("day", Form.PLAIN),
    _same("timing", Form.PLAIN),
    _same("reference", Form.TEXT),
    _same("records", Form.COUNT),
    _same("currency", Form.PLAIN),
    AMOUNT,
    _amount("fee"),
    _amount("fee_back"),
    _amount("tax"),
    _amount("net"),
    _same("rate_id", Form.PLAIN),
    Column(name="rate_e8", title="rate", form=Form.RATE),
    _same("settlement_currency", Form.PLAIN),
    SETTLED,
)

SUMMARY: Sequence[Column] = (
    _same("type", Form.PLAIN),
    _same("component", Form.PLAIN),
    _same("agreement_id", Form.TEXT),
    _same("part", Form.TEXT),
    _same("window_id", Form.PLAIN),
    _same("records", Form.COUNT),
    _same("currency", Form.PLAIN),
    AMOUNT,
    _same("rate_id", Form.PLAIN),
    Column(name="mid_e8", title="mid_rate", form=Form.RATE),
    Column(name="rate_e8", title="rate", form=Form.RATE),
    _same("via", Form.PLAIN),
    Column(name="leg_in_e8", title="leg_in", form=Form.RATE),
    Column(name="leg_out_e8", title="leg_out", form=Form.RATE),
    Column(name="markup_e8", title="markup", form=Form.RATE),
    _same("rounding", Form.PLAIN),
    _same("convert_per", Form.PLAIN),
    _same("settlement_currency", Form.PLAIN),
    SETTLED,
)
"""`settled` = `amount` × `leg_out` ÷ `leg_in` × (1 − `markup`), rounded once, where a bucket is
converted as one. `mid_rate` and `rate` are that in eight decimals, to be read and not to convert.
"""


def header(columns: Iterable[Column]) -> str:
    """The first line of a file."""
    return ",".join(title for column in columns for title in column.titles) + EOL


def line_sql(columns: Iterable[Column]) -> str:
    """The expression that makes a line of CSV, end of line and all, of a row of `columns`."""
    cells = " || ',' || ".join(f"coalesce({_cell(column)}, {_blank(column)})" for column in columns)
    return f"{cells} || chr(13) || chr(10)"


def as_written(lines: pa.Array) -> memoryview:
    """Lines together, as they lie in memory."""
    import pyarrow as pa

    _, offsets, text = lines.buffers()
    if text is None:
        return memoryview(b"")
    places = pa.Array.from_buffers(pa.int32(), lines.offset + len(lines) + 1, [None, offsets])
    first, last = places[lines.offset].as_py(), places[len(places) - 1].as_py()
    return memoryview(text)[first:last]


def typed_sql(columns: Iterable[Column]) -> str:
    """The columns of cells that `line_sql` wrote. Of other cells this gives what comes of it."""
    return ", ".join(f"{_typed(column)} as {column.name}" for column in columns)


def _typed(column: Column) -> str:
    title = column.title
    number = f"try_cast(replace({title}, '.', '') as bigint)"
    return {
        Form.TEXT: f"case when starts_with({title}, chr(39)) then {title}[2:] else {title} end",
        Form.PLAIN: title,
        Form.COUNT: number,
        Form.INSTANT: f"try_cast(rtrim({title}, 'Z') as timestamp)",
        Form.RATE: number,
        Form.SIGNED: number,
        Form.DIRECTED: f"case {column.direction} when 'C' then {number} else -{number} end",
    }[column.form]


def _blank(column: Column) -> str:
    return "','" if column.form is Form.DIRECTED else "''"


def _cell(column: Column) -> str:
    name = column.name
    return {
        Form.TEXT: _safe(name),
        Form.PLAIN: name,
        Form.COUNT: f"cast({name} as varchar)",
        Form.INSTANT: f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%fZ')",
        Form.RATE: _decimal(name, RATE_DECIMALS),
        Form.SIGNED: f"case when {name} < 0 then '-' else '' end || {_major(column)}",
        Form.DIRECTED: f"{_major(column)} || case when {name} > 0 then ',C' else ',D' end",
    }[column.form]


def _safe(name: str) -> str:
    """Nothing active first; quoted where RFC 4180 asks for it, and where an apostrophe was put."""
    active = ", ".join(f"chr({ord(sign)})" for sign in (*ACTIVE, "'"))
    first = f"left(ltrim({name}), 1)"
    guarded = f"case when {first} in ({active}) then '''' || {name} else {name} end"
    odd = "regexp_matches(" + name + r""", '[",\r\n]')"""
    return (
        f"""case when {odd} then '"' || replace({guarded}, '"', '""') || '"' else {guarded} end"""
    )


def _major(column: Column) -> str:
    """An amount without its sign, in the decimals of its currency."""
    by_decimals: dict[int, list[str]] = {}
    for code in currencies():
        by_decimals.setdefault(exponent(code), []).append(code)
    cases = " ".join(
        f"when {column.of} in ({', '.join(repr(code) for code in codes)}) "
        f"then {_decimal(column.name, decimals)}"
        for decimals, codes in sorted(by_decimals.items())
    )
    return f"case {cases} end"


def _decimal(name: str, decimals: int) -> str:
    if not decimals:
        return f"cast(abs({name}) as varchar)"
    power = 10**decimals
    rest = f"lpad(cast(abs({name}) % {power} as varchar), {decimals}, '0')"
    return f"cast(abs({name}) // {power} as varchar) || '.' || {rest}"
