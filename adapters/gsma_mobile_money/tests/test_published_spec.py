"""Adapter and simulator against the published specification, where present."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settle.adapters import Batch, Payment, PaymentKind
from settle_gsma_mobile_money import callback, parties, rules, statuses
from settle_gsma_mobile_money.simulator import GsmaSimulator

from .conftest import SECRETS, Opened, Wall
from .published import absent, against, spec

pytestmark = absent


@pytest.mark.parametrize("kind", list(PaymentKind))
def test_every_request_fits_the_published_schema(
    opened: Opened, payment: Payment, kind: PaymentKind
) -> None:
    """What we send is a `requestTransaction`, and many of them a `requestBatchTransaction`."""
    sent = replace(payment, kind=kind)
    one = json.loads(next(opened(origin_country="SG").submit(sent)).request.content)
    batch = Batch(
        batch_id="B" * 32, currency="USD", value_date=payment.value_date,
        created_on=payment.value_date, payments=[sent, sent],
    )  # fmt: skip
    adapter = opened(origin_country="SG", batches=True)
    many = json.loads(next(adapter.submit_batch(batch)).request.content)
    assert [] == against("requestTransaction", one)
    assert [] == against("requestBatchTransaction", many)


def test_codes_and_identifiers_are_the_published_ones() -> None:
    """We invent no error code, no category and no kind of identifier."""
    codes = spec()["components"]["schemas"]["errorObject"]["properties"]
    assert statuses.MADE_NOTHING.keys() <= set(codes["errorCode"]["enum"])
    assert set(statuses.MADE_NOTHING.values()) <= set(codes["errorCategory"]["enum"])
    assert rules.CATEGORY.keys() <= set(codes["errorCode"]["enum"])
    kinds = spec()["components"]["parameters"]["identifierType"]["schema"]["enum"]
    assert set(kinds) == parties.KINDS
    headers = spec()["components"]["requestBodies"], spec()["components"]["parameters"]
    assert {callback.KEY, callback.HASH, callback.CORRELATION} <= {x.lower() for x in headers[1]}


def test_the_schema_of_the_typed_path_can_be_met_by_nothing() -> None:
    """An object that must be a list: which is why we post to /transactions instead."""
    typed = spec()["components"]["schemas"]["requestTransactionType"]
    assert "object" == typed["type"]
    names = [x["$ref"].rpartition("/")[2] for x in typed["anyOf"]]
    assert {"array"} == {spec()["components"]["schemas"][x]["type"] for x in names}


def test_the_check_itself_bites() -> None:
    """A wrong type, a wrong pattern, a wrong word and a missing field are all seen."""
    found = against("requestTransaction", {"amount": "1.50", "currency": 1, "type": "x"})
    assert any("pattern" in x for x in found)
    assert any("is no string" in x for x in found)
    assert any("enumeration" in x for x in found)
    assert any("debitParty is required" in x for x in found)


async def test_every_answer_of_the_simulator_fits_the_published_schema(
    opened: Opened, payment: Payment, rail: GsmaSimulator, clock: Wall
) -> None:
    """Transactions, states, batches, lists, links, balances, errors and callbacks."""
    adapter = opened(callback_url="https://hub.test/gsma")
    transport = httpx.ASGITransport(app=rail.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rail.test") as client:
        key = {"X-API-Key": SECRETS["api_key"]}

        async def asked(schema: str, status: int, path: str, **more: Any) -> Any:
            headers = {**key, **more.pop("headers", {})}
            method = "POST" if "content" in more else "GET"
            answer = await client.request(method, path, headers=headers, **more)
            assert status == answer.status_code, answer.text
            body = answer.json()
            for each in body if isinstance(body, list) else [body]:
                assert [] == against(schema, each)
            assert answer.headers["X-Date"]
            return body

        now = next(opened().submit(payment)).request
        made = await asked(
            "responseTransaction", 201, now.path, headers=now.headers, content=now.content
        )
        await asked("errorObject", 400, now.path, headers=now.headers, content=now.content)
        later = next(adapter.submit(replace(payment, idempotency_key="e" * 32))).request
        state = await asked(
            "requestStateObject", 202, later.path, headers=later.headers, content=later.content
        )
        wrong = replace(payment.beneficiary, name="SANDBOX REJECT identifierError")
        batch = Batch(
            batch_id="B" * 32, currency="USD", value_date=payment.value_date,
            created_on=payment.value_date,
            payments=[payment, replace(payment, beneficiary=wrong)],
        )  # fmt: skip
        many = next(opened(batches=True).submit_batch(batch)).request
        taken = await asked(
            "requestStateObject", 202, many.path, headers=many.headers, content=many.content
        )
        clock.now += timedelta(minutes=1)
        await asked("requestStateObject", 200, f"/requeststates/{state['serverCorrelationId']}")
        over = await asked(
            "requestStateObject", 200, f"/requeststates/{taken['serverCorrelationId']}"
        )
        folder = f"/batchtransactions/{over['objectReference']}"
        await asked("responseBatchTransaction", 200, folder)
        completions = await asked(
            "responseBatchTransactionCompletion", 200, f"{folder}/completions"
        )
        rejections = await asked("responseBatchTransactionRejection", 200, f"{folder}/rejections")
        assert (1, 1) == (len(completions), len(rejections))
        link = f"/responses/{now.headers['X-CorrelationID']}"
        await asked("responseResponse", 200, link)
        await asked("responseTransaction", 200, f"/transactions/{made['transactionReference']}")
        wallet = "/accounts/organisationid/HUB1"
        listed = await asked("responseTransaction", 200, f"{wallet}/transactions?limit=100")
        assert 4 == len(listed)
        await asked("responseAccountBalance", 200, f"{wallet}/balance")
        await asked("responseHeartbeat", 200, "/heartbeat")
        await asked("errorObject", 404, "/transactions/none")
        await asked("errorObject", 404, "/accounts/msisdn/254700000001/balance")
        await asked("errorObject", 400, f"{wallet}/transactions?offset=-1")
        await asked("errorObject", 401, "/heartbeat", headers={"X-API-Key": "wrong"})
    told = [json.loads(content) for _, _, content in rail.callbacks()]
    assert [[]] == [against("responseTransaction", x) for x in told]


texts = st.text(max_size=12)
values = st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2)
changes = st.dictionaries(
    st.sampled_from(
        [
            "amount", "currency", "type", "debitParty", "creditParty", "descriptionText",
            "requestingOrganisationTransactionReference", "subType", "recipientKyc",
            "internationalTransferInformation", "unheardOf",
        ]
    ),
    values
    | st.sampled_from(
        ["1.10", "0.5", "-1", "007", "1" * 19, "USD", "usd", "disbursement", "x" * 161, "x" * 257]
    )
    | st.just([{"key": "msisdn", "value": "+254700000001"}])
    | st.just([{"key": "msisdn"}]) | st.just([{"key": "", "value": "1"}]),
    max_size=3,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(change=changes, without=st.sets(st.sampled_from(["amount", "currency", "type"]), max_size=1))
def test_the_simulator_demands_what_the_specification_demands(
    opened: Opened, payment: Payment, change: dict[str, Any], without: set[str]
) -> None:
    """Over changed requests the simulator refuses whatever the published schema refuses."""
    plain = json.loads(next(opened().submit(payment)).request.content)
    body = {k: v for k, v in (plain | change).items() if k not in without}
    if against("requestTransaction", body):
        assert rules.transaction(body) is not None
    elif body["type"] in rules.SERVED:
        assert rules.transaction(body) is None
