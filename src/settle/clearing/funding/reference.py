"""The funding file: dated reference data that the platform gives, read whole and checked."""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from settle.calendars.fields import Fields
from settle.clearing.funding.accounts import OWN
from settle.clearing.funding.needs import ANYWHERE
from settle.clearing.funding.reading import rows_of
from settle.clearing.funding.rows import (
    AccountRow,
    Cell,
    DatedRow,
    Place,
    TradeRow,
    TransferRow,
    WayRow,
)
from settle.errors import BadInput

R = TypeVar("R", bound=DatedRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingReference:
    """Our accounts, the matrix of who pays what where, and the ways, as one file says.

    `digest` is the sha256 of the file. Rows are dated: every question is asked for a day.
    """

    file: str
    digest: str
    costs_account: str
    rows: tuple[DatedRow, ...]

    @classmethod
    def load(cls, path: Path) -> FundingReference:
        """Read a funding file. This checks every row, and that rows fit one another.

        Raises:
            BadInput: the file cannot be read, or a row is wrong; names file, row, field and why.
        """
        try:
            content = path.read_bytes()
            tables = tomllib.loads(content.decode("utf-8"))
        except OSError as fault:
            why = f"cannot be opened: {fault.strerror or 'not readable'}"
            raise BadInput(f"{path.name} {why}", file=path.name) from None
        except (ValueError, RecursionError) as fault:  # a number of 5,000 digits, lists in lists
            raise BadInput(f"{path.name} is not TOML: {fault}", file=path.name) from None
        return cls.of(tables, file=path.name, digest=hashlib.sha256(content).hexdigest())

    @classmethod
    def of(cls, tables: dict[str, Any], *, file: str, digest: str = "") -> FundingReference:
        """The same from tables that are in memory."""
        head = tables.get("funding")
        if not isinstance(head, dict):
            raise BadInput(f"{file} has no table [funding]", file=file, row="funding")
        fields = Fields(head, file=file, name="funding")
        costs_account = fields.text("costs_account")
        fields.done()
        rows = tuple(
            row
            for table, content in tables.items()
            if table != "funding"
            for row in rows_of(table, content, file=file)
        )
        found = cls(file=file, digest=digest, costs_account=costs_account, rows=rows)
        found._check()
        return found

    def on(self, kind: type[R], day: date) -> Sequence[R]:
        """The rows of a kind that hold on a day, by key."""
        latest: dict[Hashable, R] = {}
        for row in self._of(kind):
            known = latest.get(row.key)
            if row.is_in_force(day) and (not known or known.effective_from < row.effective_from):
                latest[row.key] = row
        return [latest[key] for key in sorted(latest, key=repr)]

    def account(self, account_id: str, day: date) -> AccountRow | None:
        """The account of an id on a day."""
        rows = (row for row in self.on(AccountRow, day) if row.account_id == account_id)
        return next(rows, None)

    def cell(self, currency: str, country: str, day: date) -> Cell | None:
        """The cell that pays a currency to a country on a day; none where the pair is refused.

        A country without a row of its own is paid as `*` says.
        """
        cells = {row.key: row for row in self.on(Cell, day)}
        return cells.get((currency, country)) or cells.get((currency, ANYWHERE))

    def payer(self, currency: str, country: str, day: date) -> AccountRow | str:
        """The account that pays a currency to a country on a day, or why there is none."""
        cell = self.cell(currency, country, day)
        if cell is None:
            where = country or "no country"
            return f"{currency} to {where} is not in the matrix of {self.file} on {day}"
        found = self.account(cell.account_id, day)
        return found or f"account {cell.account_id} of {cell.name} is not in force on {day}"

    def holder(self, place: Place, day: date) -> AccountRow | str:
        """Whose money lies at a place on a day, clients' before ours, or why it is nobody's."""
        rows = (row for row in self.on(AccountRow, day) if row.place == place)
        found = min(rows, key=lambda row: row.owner == OWN, default=None)
        rail, account, _ = place
        return found or f"account {account} of {rail} is not in force in {self.file} on {day}"

    def cells_of(self, place: Place, day: date) -> Sequence[Cell]:
        """The cells, of a day or before it, whose account lies at a place on the day."""
        ids = {row.account_id for row in self.on(AccountRow, day) if row.place == place}
        begun = (row for row in self._of(Cell) if row.effective_from <= day)
        return [row for row in begun if row.account_id in ids]

    def refuse_strangers(self, known: Collection[Place]) -> None:
        """Refuse accounts that no rail has. `known`: (rail, account, currency).

        Raises:
            BadInput: names the first row whose account is none of ours.
        """
        for row in self._of(AccountRow):
            if row.place not in known:
                why = f"{row.rail} has no account {row.account!r} of ours in {row.currency}"
                _refuse(row, "account", why)

    def _of(self, kind: type[R]) -> Iterable[R]:
        return (row for row in self.rows if isinstance(row, kind))

    def _check(self) -> None:
        self._refuse_twins()
        accounts = defaultdict(list)
        for row in self._of(AccountRow):
            accounts[row.account_id].append(row)
        costs = accounts.get(self.costs_account, [])
        if not costs or any(row.owner != OWN for row in costs):
            why = f"{self.costs_account!r} is no account whose owner is {OWN!r}"
            raise BadInput(
                f"{self.file}: funding: costs_account {why}",
                file=self.file, row="funding", field="costs_account", why=why,
            )  # fmt: skip
        for each in self.rows:
            _fits(each, accounts)

    def _refuse_twins(self) -> None:
        """Two rows of one key and day, or two accounts ids of one owner's money in one place."""
        seen: dict[Hashable, DatedRow] = {}
        ids: dict[Hashable, AccountRow] = {}
        for row in self.rows:
            known = seen.setdefault((type(row), row.key, row.effective_from), row)
            if known is not row:
                _refuse(row, "effective_from", f"is that of {known.name}, which says the same")
        for each in self._of(AccountRow):
            twin = ids.setdefault((each.rail, each.account, each.currency, each.owner), each)
            if twin.account_id != each.account_id:
                _refuse(each, "account_id", f"is {twin.account_id!r} in {twin.name}")


def _fits(row: DatedRow, accounts: dict[str, list[AccountRow]]) -> None:
    """Refuse a row that names an account that is not there, or not fit for it."""
    match row:
        case Cell():
            for account in _named(row, "account_id", row.account_id, accounts):
                if account.currency != row.currency:
                    _refuse(row, "account_id", f"{row.account_id!r} holds {account.currency}")
        case WayRow():
            sources = _named(row, "source", row.source, accounts)
            targets = _named(row, "target", row.target, accounts)
            _connects(row, sources[-1], targets[-1])
        case _:
            pass


def _named(
    row: DatedRow, field: str, account_id: str, accounts: dict[str, list[AccountRow]]
) -> list[AccountRow]:
    found = accounts.get(account_id)
    if not found:
        _refuse(row, field, f"{account_id!r} is no account_id of this file")
    return found


def _connects(row: WayRow, source: AccountRow, target: AccountRow) -> None:
    if row.source == row.target:
        _refuse(row, "target", "is the source")
    if source.owner not in (target.owner, OWN):
        _refuse(row, "target", "would make clients' money ours")
    same = source.currency == target.currency
    if isinstance(row, TransferRow) and not same:
        _refuse(row, "target", f"holds {target.currency}, and the source {source.currency}")
    if isinstance(row, TradeRow) and same:
        _refuse(row, "target", f"holds {target.currency}, as the source does")


def _refuse(row: DatedRow, field: str, why: str) -> NoReturn:
    file, _, place = row.name.partition(", ")
    raise BadInput(f"{file}: {place}: {field} {why}", file=file, row=place, field=field, why=why)
