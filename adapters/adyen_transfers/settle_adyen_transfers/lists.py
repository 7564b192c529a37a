"""The reads every conversation is made of: one object, one balance, a list of many pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from settle.adapters import AccountRef, Conversation, Request, Response, reads
from settle.errors import DocumentError, RailDown
from settle_adyen_transfers.wire import BalanceAccount, Page, read

TRANSFERS = "/btl/v4/transfers"
TRANSACTIONS = "/btl/v4/transactions"
BALANCE_ACCOUNTS = "/bcl/v2/balanceAccounts"
JSON = {"accept": "application/json"}
PAGES_MAX = 10_000
"""Of a hundred items each: more than a list of ours has, and fewer than a rail could send."""


def balance(account: AccountRef) -> Conversation[int]:
    """What an account holds now, in minor units of its currency."""
    response = yield reads(get(f"{BALANCE_ACCOUNTS}/{account.account}"))
    answer = read(BalanceAccount, answered(response), what="GET /balanceAccounts")
    return answer.holds(account.currency)


def listed(path: str, query: Mapping[str, str]) -> Conversation[list[dict[str, Any]]]:
    """Every item of a list, page after page, each once and in its newest form.

    Raises:
        RailDown: a page was refused.
        DocumentError: a page cannot be read, its links lead back, or they never end.
    """
    items: dict[str, dict[str, Any]] = {}
    cursors: list[str] = []
    query = {**query, "limit": "100", "sortOrder": "asc"}
    while True:
        response = yield reads(get(path, query))
        page = read(Page, answered(response), what=f"GET {path}")
        # An item that moved to another page while we read is one item all the same.
        items |= {str(x.get("id")): x for x in page.data}
        if page.cursor is None:
            return list(items.values())
        if page.cursor in cursors:
            raise DocumentError(f"GET {path}: the pages go round in a circle")
        if len(cursors) >= PAGES_MAX:
            raise DocumentError(f"GET {path}: more than {PAGES_MAX:,} pages")
        cursors.append(page.cursor)
        query = {**query, "cursor": page.cursor}


def get(path: str, query: Mapping[str, str] | None = None) -> Request:
    """A GET of JSON."""
    return Request(method="GET", path=path, query=query or {}, headers=JSON)


def created(since: datetime, until: datetime) -> dict[str, str]:
    """The bounds of creation as the rail writes them, both included."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return {"createdSince": since.strftime(form), "createdUntil": until.strftime(form)}


def answered(response: Response) -> Any:
    """The body of an answered read.

    Raises:
        RailDown: the status is not 200.
    """
    if response.status != 200:
        raise RailDown(f"the rail answered a read with {response.status}", status=response.status)
    return response.json()
