"""The reads every conversation is made of: what a request made, one object, a whole list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from settle.adapters import Conversation, Request, Response, reads
from settle.errors import DocumentError, RailDown
from settle_gsma_mobile_money.wire import (
    Link,
    Problem,
    RequestState,
    Transaction,
    canonical,
    correlation,
    read,
)

PAGE = 100
"""More than the 50 that a provider gives unasked; it may give fewer, which is noticed."""
AVAILABLE = "x-records-available-count"
PLACE = re.compile(r"(?:^|/)(transactions|batchtransactions|requeststates)/([^/]+)/?$")


class Torn(Exception):
    """The list changed while it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands that a request of ours made. This is never a whole address."""

    kind: str
    reference: str

    @property
    def path(self) -> str:
        """The path on our own rail; whatever host a link names is not asked."""
        return f"/{self.kind}/{quote(self.reference, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads as one client."""

    client_id: str

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Request:
        """A GET of JSON."""
        return Request(method="GET", path=path, query=query or {}, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What every request carries; the sender adds the credential."""
        named = {"X-Client-Id": self.client_id} if self.client_id else {}
        return {"accept": "application/json", **named}

    def made(self, name: str, *, kind: str) -> Conversation[Place | RequestState | None]:
        """What the request of this name made, by `/responses`; None where the rail knows none.

        `kind` is what was asked for. A request that is carried out later and has not made it
        yet, or failed, is its state.

        Raises:
            RailDown: a read was refused.
            DocumentError: an answer is not what the specification says.
        """
        response = yield reads(self.get(f"/responses/{correlation(name)}"))
        if is_unknown(response):
            return None
        place = place_of(read(Link, answered(response), what="GET /responses").link)
        if place.kind != "requeststates":
            return _wanted(place, kind=kind)
        response = yield reads(self.get(place.path))
        state = read(RequestState, answered(response), what="GET /requeststates")
        if state.status != "completed" or not state.object_reference:
            return state
        reference = state.object_reference
        return _wanted(place_of(reference, otherwise=kind), kind=kind)

    def transaction(self, place: Place) -> Conversation[Transaction]:
        """One transaction, by the rail's own reference."""
        response = yield reads(self.get(place.path))
        return read(Transaction, answered(response), what="GET /transactions")

    def listed(self, path: str, query: Mapping[str, str]) -> Conversation[list[dict[str, Any]]]:
        """Every item of a list, page after page, each once.

        Raises:
            RailDown: a page was refused.
            Torn: the list grew or shrank between its pages.
            DocumentError: a page cannot be read, or the pages do not move on.
        """
        items: dict[str, dict[str, Any]] = {}
        offset, available = 0, None
        while available is None or offset < available:
            asked = {**query, "limit": str(PAGE), "offset": str(offset)}
            response = yield reads(self.get(path, asked))
            page = _page(answered(response), what=f"GET {path}")
            available = _count(response.headers.get(AVAILABLE), before=available)
            if not page:
                break
            if page.keys() <= items.keys():
                raise DocumentError(f"GET {path}: the pages do not move on")
            items |= page
            offset += len(page)
        if available not in (None, len(items)):
            raise Torn
        return list(items.values())


def place_of(link: str, *, otherwise: str | None = None) -> Place:
    """Where a link leads, by the end of its path. `otherwise`: what a bare reference is of.

    Raises:
        DocumentError: it leads nowhere that we know.
    """
    try:
        path = urlsplit(link).path
    except ValueError:
        path = ""
    if found := PLACE.search(path):
        return Place(kind=found[1], reference=unquote(found[2]))
    if otherwise is None or not link.strip() or "/" in link:
        raise DocumentError("the link leads to nothing that we know", field="link")
    return Place(kind=otherwise, reference=link)


def answered(response: Response) -> Any:
    """The body of an answered read.

    Raises:
        RailDown: the status is not 200.
    """
    if response.status != 200:
        raise RailDown(f"the rail answered a read with {response.status}", status=response.status)
    return response.json()


def is_unknown(response: Response) -> bool:
    """Whether the rail itself says that it knows no such thing; a page of a proxy does not."""
    if response.status != 404:
        return False
    try:
        problem = read(Problem, response.json(), what="404")
    except DocumentError:
        return False
    return problem.error_category == "identification"


def _wanted(place: Place, *, kind: str) -> Place:
    if place.kind != kind:
        raise DocumentError(f"the link leads to {place.kind}, not to {kind}", field="link")
    return place


def _page(body: Any, *, what: str) -> dict[str, dict[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(x, dict) for x in body):
        raise DocumentError(f"{what}: not a list of objects")
    page = {_name(x): x for x in body}
    if len(page) != len(body):
        raise DocumentError(f"{what}: an item stands twice on one page")
    return page


def _name(item: dict[str, Any]) -> str:
    """What tells an item from the others: the rail's reference, else ours, else all of it."""
    names = ("transactionReference", "requestingOrganisationTransactionReference")
    told = next((item[x] for x in names if item.get(x)), None)
    return str(told) if told is not None else canonical(item).decode()


def _count(header: str | None, *, before: int | None) -> int | None:
    if header is None or not re.fullmatch("[0-9]{1,9}", header.strip()):
        return before
    count = int(header)
    if before not in (None, count):
        raise Torn
    return count
