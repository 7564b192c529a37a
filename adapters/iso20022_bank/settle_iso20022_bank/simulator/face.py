"""The bank's HTTP face: upload, status, statement, behind basic authentication."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date
from functools import partial
from typing import TypeVar, cast

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from settle.adapters.simulator import ASGI, Clock, Execution
from settle.errors import DocumentError
from settle_iso20022_bank.message import fitted
from settle_iso20022_bank.simulator.ledger import BankLedger, Taken
from settle_iso20022_bank.simulator.recall import read_request, write_camt029
from settle_iso20022_bank.simulator.statement import write_camt053
from settle_iso20022_bank.simulator.status import write_pain002
from settle_iso20022_bank.simulator.upload import read_upload

UPLOAD_BYTES_MAX = 32 * 1024 * 1024
Endpoint = Callable[[Request], Awaitable[Response]]
M = TypeVar("M")


class BankSimulator:
    """One bank. `secrets` holds the `user` and `password` it asks for."""

    def __init__(self, *, ledger: BankLedger, clock: Clock, secrets: Mapping[str, str]) -> None:
        self._ledger = ledger
        self._clock = clock
        pair = f"{secrets['user']}:{secrets['password']}".encode()
        self._credentials = b"Basic " + base64.b64encode(pair)
        routes = [
            Route("/payments", self._guarded(self._upload), methods=["POST"]),
            Route("/payments/{message_id}/status", self._guarded(self._status), methods=["GET"]),
            Route("/cancellations", self._guarded(self._recall), methods=["POST"]),
            Route("/cancellations/{recall_id}", self._guarded(self._recalled), methods=["GET"]),
            Route("/statements/{account}/{day}", self._guarded(self._statement), methods=["GET"]),
        ]
        self._app = Starlette(routes=routes)

    @property
    def app(self) -> ASGI:
        """The bank's HTTP face."""
        return cast("ASGI", self._app)

    def executions(self) -> Sequence[Execution]:
        """Every transfer the bank executed, in order; one standing twice was paid twice."""
        return self._ledger.executions()

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, self._credentials):
                challenge = {"WWW-Authenticate": 'Basic realm="bank"'}
                return Response(status_code=401, headers=challenge)
            return await endpoint(request)

        return guarded

    async def _upload(self, request: Request) -> Response:
        accounts = self._ledger.accounts
        read = partial(read_upload, accounts=accounts)
        taken = "this MsgId was used for another content"
        return await self._received(request, read, self._ledger.take, conflict=taken)

    async def _recall(self, request: Request) -> Response:
        taken = "this id was used for another request"
        return await self._received(request, read_request, self._ledger.recall, conflict=taken)

    async def _received(
        self, request: Request, read: Callable[..., M], take: Callable[[M], Taken], *, conflict: str
    ) -> Response:
        """Take a file in, once: what it says again is known, what it says otherwise is refused."""
        content = await request.body()
        if len(content) > UPLOAD_BYTES_MAX:
            return _error(413, "FF01", "the file is larger than the bank takes")
        try:
            message = read(content, received_at=self._clock().astimezone(UTC))
        except DocumentError as error:
            return _error(400, "FF01", str(error))
        match take(message):
            case Taken.NEW:
                return Response(status_code=202)
            case Taken.REPEATED:
                return Response(status_code=200)
            case Taken.CONFLICT:
                return _error(409, "DUPL", conflict)

    async def _status(self, request: Request) -> Response:
        upload = self._ledger.find(request.path_params["message_id"])
        if upload is None:
            return _error(404, "NARR", "the bank knows no such message")
        return Response(write_pain002(upload), media_type="application/xml")

    async def _recalled(self, request: Request) -> Response:
        found = self._ledger.recalled(request.path_params["recall_id"])
        if found is None:
            return _error(404, "NARR", "the bank knows no such request")
        return Response(write_camt029(*found), media_type="application/xml")

    async def _statement(self, request: Request) -> Response:
        try:
            day = date.fromisoformat(request.path_params["day"])
        except ValueError:
            return _error(400, "NARR", "the day is not a date")
        books = self._ledger.account_day(request.path_params["account"], day)
        if books is None or day > self._clock().astimezone(UTC).date():
            return _error(404, "NARR", "the bank has no such statement")
        return Response(write_camt053(books), media_type="application/xml")


def _error(status: int, code: str, reason: str) -> Response:
    error = etree.Element("error")
    etree.SubElement(error, "code").text = code
    etree.SubElement(error, "reason").text = fitted(reason, 400)
    return Response(etree.tostring(error), status_code=status, media_type="application/xml")
