"""What the simulated rail demands, executes and forgets nothing of, asked by somebody else."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from settle_wise.simulator import WiseSimulator

from .conftest import PROFILE

Call = Callable[..., Awaitable[httpx.Response]]
QUOTES = f"/v3/profiles/{PROFILE}/quotes"
QUOTE = {"sourceCurrency": "GBP", "targetCurrency": "GBP", "targetAmount": "100.50"}
RECIPIENT = {
    "accountHolderName": "A Name",
    "currency": "GBP",
    "type": "sort_code",
    "details": {"legalType": "PRIVATE", "sortCode": "231470", "accountNumber": "28821822"},
}


async def made(call: Call, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = await call(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    view: dict[str, Any] = answer.json()
    return view


async def order(call: Call, **changes: Any) -> dict[str, Any]:
    """What a transfer is made of."""
    quote = await made(call, "POST", QUOTES, **QUOTE)
    recipient = await made(call, "POST", "/v1/accounts", **RECIPIENT)
    return {
        "customerTransactionId": str(uuid.uuid4()),
        "details": {"reference": "r"},
        "quoteUuid": quote["id"],
        "targetAccount": recipient["id"],
    } | changes


async def transfer(call: Call) -> dict[str, Any]:
    return await made(call, "POST", "/v1/transfers", **await order(call))


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["path"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sourceCurrency": "XXX"}, (400, "sourceCurrency")),
        ({"sourceAmount": 1}, (400, "sourceAmount")),
        ({"targetAmount": None}, (400, "sourceAmount")),
        ({"targetAmount": -1}, (400, "sourceAmount")),
        ({"targetAmount": "1.005"}, (400, "targetAmount")),
        ({"surprise": 1}, (400, "surprise")),
    ],
)
async def test_a_quote_that_does_not_fit_is_refused(
    call: Call, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    """One amount, in known currencies, exactly."""
    assert refused(await call("POST", QUOTES, json=QUOTE | changes)) == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"customerTransactionId": "k-0001"}, "customerTransactionId"),
        ({"details": None}, "details"),
        ({"details": {"reference": "x" * 19}}, "details.reference"),
        ({"targetAccount": 1}, "targetAccount"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_transfer_that_does_not_fit_is_refused(
    call: Call, changes: dict[str, Any], path: str
) -> None:
    """A UUID, a reference of the route's length, a recipient of the quote's currency."""
    answer = await call("POST", "/v1/transfers", json=await order(call, **changes))
    assert refused(answer) == (422, path)


async def test_a_quote_is_used_once_and_within_half_an_hour(call: Call, clock: Any) -> None:
    """Another transfer of the same quote is a conflict, and a stale quote makes none."""
    first, stale = await order(call), await order(call)
    await made(call, "POST", "/v1/transfers", **first)
    again = first | {"customerTransactionId": str(uuid.uuid4())}
    assert refused(await call("POST", "/v1/transfers", json=again)) == (409, "quoteUuid")
    clock.now += timedelta(minutes=31)
    assert refused(await call("POST", "/v1/transfers", json=stale)) == (422, "quoteUuid")
    shown = await call("GET", f"{QUOTES}/{stale['quoteUuid']}")
    assert shown.json()["status"] == "EXPIRED"


async def test_the_same_reference_makes_no_second_transfer(call: Call) -> None:
    """A repeat message is answered with the transfer that is there."""
    first = await order(call)
    one = await made(call, "POST", "/v1/transfers", **first)
    other = await order(call, customerTransactionId=first["customerTransactionId"].upper())
    assert (await made(call, "POST", "/v1/transfers", **other))["id"] == one["id"]
    assert len((await call("GET", "/v1/transfers?limit=10")).json()) == 1


async def test_a_transfer_is_funded_once(call: Call, rail: WiseSimulator, clock: Any) -> None:
    """Funding twice is refused, and so is funding what was cancelled or has expired."""
    one, two, three = await transfer(call), await transfer(call), await transfer(call)

    async def fund(each: dict[str, Any]) -> httpx.Response:
        path = f"/v3/profiles/{PROFILE}/transfers/{each['id']}/payments"
        return await call("POST", path, json={"type": "BALANCE"})

    assert (await fund(one)).json()["status"] == "COMPLETED"
    assert (await call("PUT", f"/v1/transfers/{two['id']}/cancel")).status_code == 200
    clock.now += timedelta(days=14)
    for each in (one, two, three):
        answer = await fund(each)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "transfer.invalid-state"
    assert len(rail.executions()) == 1
    states = [
        (await call("GET", f"/v1/transfers/{x['id']}")).json()["status"] for x in (one, two, three)
    ]
    assert states == ["outgoing_payment_sent", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    "query", ["limit=10&offset=5", "limit=0", "limit=101", "offset=-10", "limit=x"]
)
async def test_a_list_is_paged_as_the_rail_wants_it(call: Call, query: str) -> None:
    """The offset is a multiple of the limit, and a page is not too large."""
    assert (await call("GET", f"/v1/transfers?{query}")).status_code == 400


async def test_states_are_simulated_in_their_order(call: Call) -> None:
    """The sandbox moves a funded transfer step by step, and nothing else."""
    one = await transfer(call)
    path = f"/v1/simulation/transfers/{one['id']}"
    assert (await call("GET", f"{path}/processing")).status_code == 400
    await made(
        call, "POST", f"/v3/profiles/{PROFILE}/transfers/{one['id']}/payments", type="BALANCE"
    )
    assert (await call("GET", f"{path}/bounced_back")).status_code == 422
    assert (await call("GET", f"{path}/teleported")).status_code == 400
    assert (await call("GET", f"{path}/funds_converted")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/transfers/1"),
        ("GET", "/v1/accounts/1"),
        ("GET", "/v1/quotes/1/account-requirements"),
        ("PUT", "/v1/transfers/1/cancel"),
        ("POST", f"/v3/profiles/{PROFILE}/transfers/1/payments"),
        ("GET", f"/v1/profiles/{PROFILE}/balance-statements/1/statement.json"),
    ],
)
async def test_what_is_not_there_is_not_found(call: Call, method: str, path: str) -> None:
    """An id that the rail does not know is 404, by name."""
    answer = await call(method, path, **({"json": {}} if method == "POST" else {}))
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"].endswith(".not-found")


async def test_the_patch_needs_its_own_content_type(call: Call) -> None:
    """The collection says in capitals that anything else fails."""
    quote = await made(call, "POST", QUOTES, **QUOTE)
    assert (await call("PATCH", f"{QUOTES}/{quote['id']}", json={})).status_code == 415


@pytest.mark.parametrize("content", [b"", b"[]", b"{"])
async def test_a_body_that_is_none_is_refused(call: Call, content: bytes) -> None:
    """Nothing is made of it."""
    for path in (QUOTES, "/v1/accounts", "/v1/transfers", "/v1/transfer-requirements"):
        assert (await call("POST", path, content=content)).status_code == 400


async def test_amounts_are_written_as_exact_numbers(call: Call) -> None:
    """Large amounts and small fractions leave as they are, for no float has touched them."""
    asked = QUOTE | {"targetAmount": "90071992547409.93"}
    answer = await call("POST", QUOTES, json=asked)
    assert b'"targetAmount":90071992547409.93' in answer.content
