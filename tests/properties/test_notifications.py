"""Notifications in any order, as often as they like, with junk between them: one state."""

from __future__ import annotations

import hmac
import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.size import examples

from settle.adapters import Beneficiary
from settle.errors import DocumentError
from settle.hub import Hub
from settle.ledger.tables import journal
from settle.payments import Due, Policy, approve, attention, fund, plan
from settle.payments.claiming import Claim, claim
from settle.payments.leasing import Lease
from settle.payments.tables import deliveries, payment_events, payments, refused_deliveries
from settle_adyen_transfers import webhook

RAIL, ACCOUNT, KEY = "adyen_transfers", "BAAUD00000000000000000001", "D7" * 32
NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
CONFIG = f"""
[settle]
tenant = "t"
store = "sqlite:///settle.db"
[clearing]
agreements = "agreements.csv"
rates = "rates.csv"
[rails.{RAIL}]
plugin = "{RAIL}"
base_url = "http://rail.invalid"
accounts = {{ AUD = "{ACCOUNT}" }}
api_key = "env:ADYEN_API_KEY"
hmac_key = "env:ADYEN_HMAC_KEY"
"""
PAYEE = Beneficiary(
    name="Koala Pty", country="AU", town="Sydney", account="12345678", bank_code="062-000"
)

Delivery = tuple[dict[str, str], bytes]


def signed(content: bytes) -> Delivery:
    return {"HmacSignature": webhook.signature(content, key=KEY)}, content


def told(reference: str, number: int, **data: Any) -> Delivery:
    transfer = {
        "id": f"T-{reference}", "amount": {"currency": "AUD", "value": 1000}, "category": "bank",
        "direction": "outgoing", "reference": reference, "sequenceNumber": number,
        "creationDate": "2024-12-18T17:00:00Z", "status": "authorised",
    }  # fmt: skip
    body = {"data": transfer | data, "environment": "test",
            "type": "balancePlatform.transfer.updated"}  # fmt: skip
    return signed(json.dumps(body).encode())


def open_hub(folder: Path) -> Hub:
    return Hub.open(folder / "settle.toml", clock=lambda: NOW)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store with three payments that were sent and not answered, and their EndToEndIds."""
    folder = tmp_path_factory.mktemp("sent")
    with pytest.MonkeyPatch.context() as patch:
        keys(patch)
        (folder / "settle.toml").write_text(CONFIG)
        with open_hub(folder) as hub:
            dues = [
                Due(
                    obligation_id=f"O-{n}", agreement_id="A", currency="AUD", amount_minor=1000,
                    value_date=date(2024, 12, 19), beneficiary=PAYEE,
                )
                for n in range(3)
            ]  # fmt: skip
            names = (f"P-{n}" for n in itertools.count())
            plan(hub.store, dues, rails=hub.adapters, tenant="t", now=NOW, ids=lambda: next(names))
            approve(hub.store, Policy(limit_minor={"AUD": 10**6}), now=NOW)
            fund(hub.store, balances={(RAIL, ACCOUNT, "AUD"): 10**6}, now=NOW)
            lease = Lease(rail=RAIL, worker="w", now=NOW, length=timedelta(minutes=5))
            wish = Claim(lease=lease, count_max=9, batch_size_max=None, day=NOW.date())
            with hub.store.transaction() as connection:
                ((*sendings,),) = claim(connection, [wish])
    return folder, [sending.payments[0].end_to_end_id for sending in sendings]


def keys(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("ADYEN_API_KEY", "a-key-for-tests")
    patch.setenv("ADYEN_HMAC_KEY", KEY)


def news(references: Sequence[str]) -> list[Delivery]:
    """What the rail truly tells: one paid and credited, one said to fail, one only accepted."""
    first, second, third = references
    tracking = {"status": "credited", "type": "confirmation"}
    return [
        told(first, 1),
        told(first, 2, status="booked"),
        told(first, 3, status="booked", tracking=tracking, nobodyAnnounced={"x": [1]}),
        told(second, 1),
        told(second, 2, status="failed", reason="notEnoughBalance"),
        told(third, 1, status="received", unheardOf=None),
        told(third, 2, status="brandNew"),
        told("nobody's", 1),
        told(third, 3, direction="incoming"),
    ]


def junk(references: Sequence[str]) -> list[Delivery]:
    """What nobody must believe: other keys, other bodies, no signature, no JSON."""
    headers, content = told(references[1], 9, status="booked")
    return [
        ({}, content),
        ({"hmacsignature": ""}, content),
        ({"hmacsignature": webhook.signature(content, key="AB" * 32)}, content),
        (headers, content.replace(b"1000", b"9999")),
        (headers, b""),
        signed(b"["),
        signed(b"{}"),
    ]


def end(folder: Path) -> tuple[Any, ...]:
    """Everything that the notifications can have changed, but for when and how often they came."""
    with open_hub(folder) as hub, hub.store.reading() as connection:
        kept = sa.select(payments.c.payment_id, payments.c.state, payments.c.contradiction)
        happened = sa.select(
            payment_events.c.payment_id, payment_events.c.event_id, payment_events.c.kind
        )
        return (
            connection.execute(kept.order_by(payments.c.payment_id)).all(),
            sorted(connection.execute(happened).all()),
            sorted(connection.execute(sa.select(journal.c.entry_id)).scalars()),
            [(x.payment_id, x.why) for x in attention(connection)],
        )


@pytest.fixture(scope="module")
def fresh(
    sent: tuple[Path, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Path]:
    """Copies of the store, each in a folder of its own."""

    def copied() -> Path:
        folder = tmp_path_factory.mktemp("copy")
        for file in sent[0].iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        return folder

    return copied


def deliver(folder: Path, came: Sequence[Delivery], *, late: timedelta) -> None:
    with open_hub(folder) as hub:
        for nth, (headers, content) in enumerate(came):
            try:
                hub.receive(RAIL, headers, content, received_at=NOW + late * (nth + 1))
            except DocumentError:
                continue


@settings(
    max_examples=examples(12, full=300), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.data())
def test_any_order_and_repetition_with_junk_ends_in_the_same_state(
    sent: tuple[Path, list[str]], fresh: Callable[[], Path], data: st.DataObject
) -> None:
    """Also weeks late; what is forged leaves no trace but its count."""
    with pytest.MonkeyPatch.context() as patch:
        keys(patch)
        true, false = news(sent[1]), junk(sent[1])
        once = fresh()
        deliver(once, true, late=timedelta(seconds=1))
        more = data.draw(st.lists(st.sampled_from([*true, *false]), max_size=12))
        came = data.draw(st.permutations([*true, *more]))
        many = fresh()
        deliver(many, came, late=timedelta(days=data.draw(st.integers(0, 30))))
        assert end(once) == end(many)
        with open_hub(many) as hub:
            taken, refused = hub.deliveries()
        assert len(came) == sum(x.deliveries + x.copies for x in taken) + sum(
            x.times for x in refused
        )
        assert sum(x.times for x in refused) == sum(one in false for one in more)
        assert [9] == [x.deliveries for x in taken]


def test_what_is_forged_is_counted_and_changes_nothing(
    sent: tuple[Path, list[str]], fresh: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of it is a row a day, and the signature is compared in constant time."""
    keys(monkeypatch)
    folder, compared = fresh(), list[object]()
    stood = end(folder)
    constant = hmac.compare_digest

    def counting(*given: Any) -> bool:
        compared.append(given)
        return bool(constant(*given))

    monkeypatch.setattr(hmac, "compare_digest", counting)
    deliver(folder, junk(sent[1])[:5] * 20, late=timedelta(0))
    assert 100 == len(compared)
    assert stood == end(folder)
    with open_hub(folder) as hub, hub.store.reading() as connection:
        rows = connection.execute(sa.select(refused_deliveries)).all()
        assert not connection.execute(sa.select(deliveries)).all()
    assert 100 == sum(row.times for row in rows)
    assert len(rows) <= 2


def test_a_copy_is_known_and_another_content_under_its_name_is_looked_at(
    sent: tuple[Path, list[str]], fresh: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy is not let in again; what says something else is, and counted as such."""
    keys(monkeypatch)
    first = told(sent[1][0], 1)
    other = told(sent[1][0], 1, status="booked")
    with open_hub(fresh()) as hub:
        done = [hub.receive(RAIL, *each) for each in (first, first, other)]
        (tally,) = hub.deliveries()[0]
    assert [(x.recorded, x.duplicate) for x in done] == [(1, False), (0, True), (1, True)]
    assert (tally.deliveries, tally.copies, tally.others, tally.open) == (1, 2, 1, 0)
