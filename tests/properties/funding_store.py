"""A store with what clients are owed in it, and a hub on the committed night's funding file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from settle.clearing.tables import obligations, windows
from settle.hub import Hub
from settle.ledger import Posting, accounts, post
from settle.ledger.tables import journal

NIGHT = Path(__file__).resolve().parents[2] / "fixtures" / "night"
AT = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY, VALUE_DATE = date(2024, 12, 18), date(2024, 12, 19)
COUNTRY = {"EUR": "DE", "NOK": "NO", "USD": "US"}
BANK = {
    "EUR": ("iso20022_bank", "DE95100100107000000059"),
    "NOK": ("iso20022_bank", "DE78100100107000000074"),
    "USD": ("iso20022_bank", "DE34100100107000000090"),
}
PARTNER_NOK = ("adyen_transfers", "BASETTLEDEMONOK0000000000")
OWN_NEED = """
[[own_need]]
need_id = "tax"
currency = "{currency}"
amount_minor = {amount_minor}
value_date = 2024-12-19
zone = "Europe/Berlin"
time = "15:00"
effective_from = 2024-01-01
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What an agreement is owed by the ledger (below zero: it owes us), and what is due to it.

    `away`: its crowns lie with the partner, who does not pay them out.
    """

    name: str
    currency: str
    owed_minor: int
    due_minor: int
    away: bool = False
    country: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """The account that its money is on."""
        return PARTNER_NOK if self.away and self.currency == "NOK" else BANK[self.currency]

    @property
    def payable_minor(self) -> int:
        """What of the due is the client's own money."""
        return min(max(self.owed_minor, 0), self.due_minor)


@contextmanager
def hub_on(folder: Path) -> Iterator[Hub]:
    """A hub on an empty store in a folder, at the night of the 18th."""
    config = folder / "settle.toml"
    config.write_text(
        f'extends = "{NIGHT}/settle.toml"\n[clearing]\n'
        f'agreements = "{NIGHT}/agreements.parquet"\n'
        f'rates = "{NIGHT}/rates.csv"\nfunding = "funding.toml"\n'
        f'records = "{NIGHT}/records-{{date}}*"\n',
        encoding="utf-8",
    )
    (folder / "funding.toml").write_bytes((NIGHT / "funding.toml").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SETTLE_BANK_PASSWORD", "SETTLE_ADYEN_API_KEY", "SETTLE_ADYEN_HMAC_KEY"):
            patch.setenv(name, "ab" * 32)
        with Hub.open(config, clock=lambda: AT) as hub:
            yield hub


def set_own_need(hub: Hub, *, currency: str, amount_minor: int) -> None:
    """The funding file with a need of ours in it, or with none for an amount of zero."""
    text = (NIGHT / "funding.toml").read_text("utf-8")
    if amount_minor:
        text += OWN_NEED.format(currency=currency, amount_minor=amount_minor)
    (hub.config.folder / "funding.toml").write_text(text, encoding="utf-8")


def fill(hub: Hub, clients: Sequence[Client], *, own: dict[tuple[str, str, str], int]) -> None:
    """Put clients' money on the bank's account of their currency, and ours where it is said.

    What a client owes us has been paid out of our money: it lies on no account.
    """
    with hub.store.transaction() as connection:
        for table in (obligations, windows, journal):
            connection.execute(sa.delete(table))
        connection.execute(windows.insert(), [WINDOW])
        post(connection, _postings(clients, own), recorded_at=AT)
        rows = [_obligation(each) for each in clients if each.due_minor]
        if rows:
            connection.execute(obligations.insert(), rows)


def _postings(clients: Sequence[Client], own: dict[tuple[str, str, str], int]) -> Iterator[Posting]:
    for each in clients:
        nostro, payable = accounts.nostro(*each.place), accounts.payable(each.name)
        if each.owed_minor > 0:
            yield _posting(each.name, nostro, payable, each.currency, each.owed_minor)
        elif each.owed_minor < 0:
            yield _posting(each.name, payable, accounts.OWN_FUNDS, each.currency, -each.owed_minor)
    for (rail, account, currency), amount in own.items():
        if amount:
            nostro = accounts.nostro(rail, account)
            yield _posting(f"own {account}", nostro, accounts.OWN_FUNDS, currency, amount)


def _posting(row: str, debit: str, credit: str, currency: str, amount_minor: int) -> Posting:
    return Posting(
        event="receipt", subject="test", row=row, posted_on=DAY, debit=debit, credit=credit,
        currency=currency, amount_minor=amount_minor,
    )  # fmt: skip


WINDOW = {
    "window_id": DAY.isoformat(), "closed_at": AT, "records": 0, "late": 0, "positions": 0,
    "postings": 0, "currencies": "", "settled_digest": "", "manifest_digest": "",
}  # fmt: skip


def _obligation(client: Client) -> dict[str, object]:
    return {
        "obligation_id": f"O-{client.name}", "window_id": DAY.isoformat(), "position_id": "P",
        "agreement_id": client.name, "part": "", "participant_id": client.name,
        "currency": client.currency, "amount_minor": client.due_minor, "value_date": VALUE_DATE,
        "beneficiary_name": "N", "beneficiary_country": client.country or COUNTRY[client.currency],
        "beneficiary_town": "T", "beneficiary_account": "A",
    }  # fmt: skip
