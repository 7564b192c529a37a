"""The statement for a merchant: one page for an agreement and a window, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import Bucket, Explanation, Line, explain, positions, tables
from settle.clearing.files import ClosedWindow, folder_name
from settle.errors import BadInput
from settle.report import figures
from settle.report.document import as_json, dump
from settle.report.writing import replace_file

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA = "settle.merchant-statement/1"

COMPONENTS = {
    "sales": "Sales", "refunds": "Refunds", "chargebacks": "Disputes",
    "reversals": "Disputes reversed", "adjustments": "Adjustments", "fees_percent": "Fees",
    "fees_back": "Fees given back", "fees_explicit": "Single fees", "tax": "Tax on fees",
    "fees_fixed": "Fees a sale", "tax_fixed": "Tax on fees a sale",
    "reserve_withheld": "Withheld for the reserve", "reserve_released": "Released from the reserve",
    "net": "Net of this window", "carried_in": "Brought in from earlier windows",
    "set_off": "Set off against your other agreements",
    "reserve_recovered": "Taken from the reserve",
    "collateral_used": "Taken from the collateral", "paid": "Paid to you",
    "carried_out": "Carried to the next window", "claimed": "Owed by you, claimed",
}  # fmt: skip
"""Each line in the words of who is paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """What is paid, when, and where. `account` shows its last four signs."""

    currency: str
    amount_minor: int
    value_date: date
    beneficiary: str
    account: str
    bank: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The sales of one currency at one rate: lines that sum to `net_minor`, and what it became.

    `quoted`: the amounts that are worth the same, by which it is converted, less the markup.
    """

    currency: str
    records: int
    lines: Sequence[Line]
    net_minor: int
    rate_id: str
    mid_rate: str
    rate: str
    quoted: str
    markup: str
    is_converted: bool
    per: str
    settled: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One position: conversions and `lines` sum to the net, `steps` to the rest, `ends` to it."""

    position_id: str
    part: str
    currency: str
    conversions: Sequence[Conversion]
    lines: Sequence[Line]
    net_minor: int
    steps: Sequence[Line]
    rest_minor: int
    ends: Sequence[Line]
    payout: Payout | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A slice of the reserve. `release_on` is None where it is held until the agreement ends."""

    window_id: str
    currency: str
    amount_minor: int
    release_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantStatement:
    """What a window came to for one agreement: all that its page and its JSON say."""

    schema: str
    tenant: str
    window_id: str
    closed_at: datetime
    agreement_id: str
    participant_id: str
    name: str
    accounts: Sequence[Account]
    held: Sequence[Held]


def merchant_statement(
    connection: Connection, *, window: ClosedWindow, agreement_id: str, tenant: str
) -> MerchantStatement:
    """The statement of one agreement for a closed window, as it was when it closed.

    Raises:
        BadInput: the window was closed without this agreement.
    """
    if agreement_id not in window.agreements:
        raise BadInput(
            f"window {window.day} was closed without an agreement {agreement_id!r}",
            agreement_id=agreement_id,
        )
    terms = window.agreements[agreement_id]
    own = [p for p in positions(connection, window.window_id) if p.agreement_id == agreement_id]
    query = sa.select(tables.windows.c.closed_at)
    closed_at = connection.scalars(
        query.where(tables.windows.c.window_id == window.window_id)
    ).one()
    payouts = _payouts(connection, window.window_id, agreement_id)
    explained = [explain(connection, position_id=position.position_id) for position in own]
    assert all(each.adds_up for each in explained), "a close commits only what adds up"
    return MerchantStatement(
        schema=SCHEMA, tenant=tenant, window_id=window.window_id, closed_at=closed_at,
        agreement_id=agreement_id, participant_id=terms["participant_id"],
        name=terms["beneficiary_name"] or terms["participant_id"],
        accounts=[_account(each, payouts) for each in explained],
        held=list(_held(connection, window.window_id, agreement_id)),
    )  # fmt: skip


def _payouts(connection: Connection, window_id: str, agreement_id: str) -> dict[str, Payout]:
    table = tables.obligations
    query = sa.select(table).where(
        table.c.window_id == window_id, table.c.agreement_id == agreement_id
    )
    return {
        row["position_id"]: Payout(
            currency=row["currency"], amount_minor=row["amount_minor"],
            value_date=row["value_date"], beneficiary=row["beneficiary_name"],
            account=masked(row["beneficiary_account"]),
            bank=row["beneficiary_bic"] or row["beneficiary_bank_code"] or "",
        )
        for row in connection.execute(query).mappings()
    }  # fmt: skip


def masked(account: str) -> str:
    """An account of which only the last four signs are shown; none if it has eight or fewer."""
    signs = "".join(account.split())
    return f"•••• {signs[-4:]}" if len(signs) > 8 else "••••"


def _account(explained: Explanation, payouts: dict[str, Payout]) -> Account:
    position = explained.position
    own = explained.lines[len(explained.buckets) :]
    converted = zip(explained.buckets, explained.lines, strict=False)
    return Account(
        position_id=position.position_id, part=position.part, currency=position.currency,
        conversions=[_conversion(bucket, line) for bucket, line in converted],
        lines=own, net_minor=position.net_minor, steps=explained.steps[1:],
        rest_minor=position.rest_minor, ends=explained.ends,
        payout=payouts.get(position.position_id),
    )  # fmt: skip


def _conversion(bucket: Bucket, settled: Line) -> Conversion:
    is_converted = bucket.currency != settled.currency
    return Conversion(
        currency=bucket.currency, records=bucket.records, lines=bucket.lines,
        net_minor=bucket.net_minor, rate_id=bucket.rate_id, mid_rate=_rate(bucket.mid_e8),
        rate=_rate(bucket.client_e8), quoted=_quoted(bucket, settled.currency),
        markup=_percent(bucket.markup_ppm), is_converted=is_converted, per=bucket.convert_per,
        settled=settled,
    )  # fmt: skip


def _quoted(bucket: Bucket, currency: str) -> str:
    return (
        f"{_rate(bucket.leg_in_e8)}\u00a0{bucket.currency} = "
        f"{_rate(bucket.leg_out_e8)}\u00a0{currency}"
    )


def _rate(rate_e8: int) -> str:
    return f"{rate_e8 // 10**8}.{rate_e8 % 10**8:08}"


def _percent(ppm: int) -> str:
    return f"{ppm // 10**4}.{ppm % 10**4:04}\u00a0%"


def _held(connection: Connection, window_id: str, agreement_id: str) -> list[Held]:
    """The reserve as it stood when the window had closed, the next release first."""
    slices, taken = tables.reserve_slices.c, tables.recoveries.c
    used = (
        sa.select(sa.func.coalesce(sa.func.sum(taken.amount_minor), 0))
        .where(
            taken.source == "reserve", taken.source_id == slices.slice_id,
            taken.window_id <= window_id,
        )
        .scalar_subquery()
    )  # fmt: skip
    query = sa.select(
        slices.window_id, slices.currency, slices.release_on,
        (slices.amount_minor - used).label("amount_minor"),
    ).where(
        slices.agreement_id == agreement_id, slices.window_id <= window_id,
        sa.or_(slices.released_in.is_(None), slices.released_in > window_id),
    )  # fmt: skip
    held = [
        Held(**{**row, "amount_minor": int(row["amount_minor"])})
        for row in connection.execute(query).mappings()
        if row["amount_minor"]
    ]
    return sorted(held, key=lambda each: (each.currency, each.release_on or date.max,
                                          each.window_id))  # fmt: skip


def statement_page(statement: MerchantStatement) -> str:
    """The whole page, which needs no network. This is a pure function of the statement."""
    return _environment().get_template("merchant_statement.html.j2").render(statement=statement)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("settle.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters.update(
        amount=figures.amount, money=figures.money, count=figures.count, day=figures.day,
        instant=figures.instant, plural=figures.plural, called=called,
    )  # fmt: skip
    return environment


def called(component: str) -> str:
    """A component in the merchant's words."""
    return COMPONENTS.get(component, component.replace("_", " ").capitalize())


def write_statement(statement: MerchantStatement, directory: Path) -> tuple[Path, Path]:
    """Write `statement_<agreement>_<window>` as HTML and JSON. This gives the paths of both.

    An earlier one is replaced in one step; the same window gives the same bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stem = f"statement_{folder_name(statement.agreement_id)}_{statement.window_id}"
    html_path, json_path = directory / f"{stem}.html", directory / f"{stem}.json"
    replace_file(json_path, dump(_document(statement)))
    replace_file(html_path, statement_page(statement).encode())
    return html_path, json_path


def _document(statement: MerchantStatement) -> Any:
    return as_json(statement)
