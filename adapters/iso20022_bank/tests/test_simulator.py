"""The simulated bank behaves as MAPPING.md says, and the adapter and it understand each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from settle.adapters import (
    Accepted,
    AccountRef,
    Batch,
    Exchange,
    Fact,
    LineKind,
    Rejected,
    Request,
    Response,
    Statement,
    Unknown,
    commits,
    converse,
    reads,
)
from settle.adapters.simulator import OutsideLine, Simulator
from settle.reconciliation.camt053 import read_camt053
from settle_iso20022_bank import Iso20022Bank
from settle_iso20022_bank.wire import write_pain001

DAY = date(2024, 12, 19)
Make = Callable[..., Batch]
Open = Callable[..., Simulator]
Play = Callable[..., Callable[[Exchange], Response]]
Fetch = Callable[..., Statement | None]
NEXT_NIGHT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)


@pytest.fixture
def statement(bank: Iso20022Bank, play: Play) -> Fetch:
    def fetch(simulator: Simulator, currency: str = "EUR", day: date = DAY) -> Statement | None:
        account = next(a for a in bank.accounts() if a.currency == currency)
        document, _ = converse(bank.statement(account, day), play(simulator))
        if document is None:
            return None
        [read] = read_camt053(document.content, rail="iso20022_bank", account=account.account)
        return read

    return fetch


def test_a_batch_is_accepted_found_and_on_the_statement(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
    statement: Fetch,
) -> None:
    """What went out by one conversation comes back by the two others, reference for reference."""
    outcomes, _ = converse(bank.submit_batch(batch()), play(opened()))
    assert [Accepted, Accepted] == [type(outcome) for outcome in outcomes.values()]
    night_after = opened(now=NEXT_NIGHT)
    found, _ = converse(bank.find_batch(batch()), play(night_after))
    assert [evidence.fact for evidence in found] == [Fact.ACCEPTED, Fact.ACCEPTED]
    read = statement(night_after)
    assert read is not None
    assert [(line.end_to_end_id, line.amount_minor) for line in read.lines] == [
        ("E2E-1", -12345),
        ("E2E-2", -12345),
    ]
    first = read.lines[0]
    assert first.uetr == "00000000-0000-4000-8000-000000000001"
    assert (
        first.counterparty, first.remittance_information,
    ) == ("Zoë Ærlig AS", "Settlement 2024-12-18 / 1")  # fmt: skip
    assert (read.opening_minor, read.closing_minor, read.difference_minor) == (0, -24690, 0)


def test_a_rejected_name_is_rejected_alone(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
) -> None:
    """`SANDBOX REJECT` rejects its payment with its code, and is not executed."""
    simulator = opened()
    outcomes, _ = converse(
        bank.submit_batch(batch("Fine AS", "X SANDBOX REJECT AC04 Y")), play(simulator)
    )
    first, second = outcomes.values()
    assert isinstance(first, Accepted)
    assert Rejected(code="AC04", reason="RJCT") == second
    assert [execution.reference for execution in simulator.executions()] == ["E2E-1"]


def test_a_returned_name_is_debited_and_comes_back_short(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
    statement: Fetch,
) -> None:
    """`SANDBOX RETURN` books a debit and a credit short of charges, linked by EndToEndId."""
    converse(bank.submit_batch(batch("SANDBOX RETURN AC04 SHORT 1500")), play(opened()))
    read = statement(opened(now=NEXT_NIGHT))
    assert read is not None
    debit, credit = read.lines
    assert (debit.amount_minor, debit.kind) == (-12345, LineKind.TRANSFER)
    assert (
        credit.amount_minor, credit.kind, credit.end_to_end_id, credit.return_code,
        credit.charges_minor, credit.instructed_minor,
    ) == (10845, LineKind.RETURN, "E2E-1", "AC04", 1500, 12345)  # fmt: skip
    assert credit.counterparty == "SANDBOX RETURN AC04 SHORT 1500"
    assert read.closing_minor == -1500


def test_a_batch_booking_is_one_line_without_details(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
    statement: Fetch,
) -> None:
    """Where the bank books batches, one line stands for the executed payments of the message."""
    names = ("A AS", "B SANDBOX REJECT AC04", "C AS")
    converse(bank.submit_batch(batch(*names, currency="SEK")), play(opened()))
    read = statement(opened(now=NEXT_NIGHT), "SEK")
    assert read is not None
    [line] = read.lines
    assert (
        line.batch_id, line.batch_count, line.amount_minor, line.end_to_end_id,
    ) == ("BATCH-1", 2, -24690, None)  # fmt: skip


def test_the_same_message_is_executed_once(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
) -> None:
    """A second upload of the same content is answered 200 and executes nothing, restart or not."""
    content = write_pain001(batch(), bank=bank.settings)
    upload = commits(Request(method="POST", path="/payments", content=content))
    simulator = opened()
    assert [play(simulator)(upload).status for _ in range(2)] == [202, 200]
    restarted = opened()
    assert play(restarted)(upload).status == 200
    assert simulator.executions() == restarted.executions()
    assert len(restarted.executions()) == 2


def test_another_content_under_the_same_id_is_a_conflict(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
) -> None:
    """A reused MsgId is answered 409, executes nothing, and the adapter calls it unknown."""
    simulator = opened()
    converse(bank.submit_batch(batch()), play(simulator))
    outcomes, _ = converse(bank.submit_batch(batch(minor=999)), play(simulator))
    assert [Unknown, Unknown] == [type(outcome) for outcome in outcomes.values()]
    assert [execution.amount_minor for execution in simulator.executions()] == [12345, 12345]


def test_a_double_payment_under_two_ids_shows(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
) -> None:
    """The bank deduplicates messages only: what we pay twice stands twice in its ground truth."""
    simulator = opened()
    for batch_id in ("BATCH-1", "BATCH-2"):
        converse(bank.submit_batch(batch("A AS", batch_id=batch_id)), play(simulator))
    assert [execution.reference for execution in simulator.executions()] == ["E2E-1", "E2E-1"]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param((b"<NbOfTxs>2", b"<NbOfTxs>3"), id="count"),
        pytest.param((b"<CtrlSum>246.90", b"<CtrlSum>246.91"), id="sum"),
        pytest.param((b">123.45<", b">123.455<"), id="decimals"),
        pytest.param((b'Ccy="EUR"', b'Ccy="SEK"'), id="currency"),
        pytest.param((b"DE89370400440532013000", b"DE00000000000000000000"), id="account"),
        pytest.param((b"2024-12-19<", b"tomorrow<"), id="date"),
        pytest.param((b"</Document>", b""), id="truncated"),
        pytest.param(
            (b"<Document", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Document'),
            id="hostile",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_creates_nothing(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
    edit: tuple[bytes, bytes],
) -> None:
    """The bank refuses it with 400 and FF01, and knows no such message afterwards."""
    content = write_pain001(batch(), bank=bank.settings)
    was, becomes = edit
    assert was in content
    ask = play(opened())
    answer: Response = ask(
        commits(Request(method="POST", path="/payments", content=content.replace(was, becomes)))
    )
    assert (answer.status, b"<code>FF01</code>" in answer.content) == (400, True)
    assert ask(reads(Request(method="GET", path="/payments/BATCH-1/status"))).status == 404


def test_statements_go_on_from_day_to_day(opened: Open, statement: Fetch) -> None:
    """A day opens where the one before closed; an idle day is a statement of no lines."""
    deposit = OutsideLine(
        day=date(2024, 12, 17), currency="EUR", amount_minor=500_00,
        reference="DEPOSIT P-1", counterparty="Partner One",
    )  # fmt: skip
    surprise = replace(deposit, day=DAY, amount_minor=-7_00, reference="What is this")
    simulator = opened(deposit, surprise, now=NEXT_NIGHT)
    days = [statement(simulator, day=date(2024, 12, number)) for number in (17, 18, 19)]
    assert [(day.opening_minor, day.closing_minor, len(day.lines)) for day in days if day] == [
        (0, 50000, 1),
        (50000, 50000, 0),
        (50000, 49300, 1),
    ]
    assert days[0] is not None
    line = days[0].lines[0]
    assert (line.remittance_information, line.counterparty) == ("DEPOSIT P-1", "Partner One")


def test_tomorrow_has_no_statement_yet(opened: Open, statement: Fetch) -> None:
    """A day after the bank's clock is answered 404, which the adapter gives as None."""
    assert statement(opened(), day=DAY) is None


def test_a_statement_is_the_same_bytes_after_a_restart(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
) -> None:
    """The bank's memory is its whole state."""
    converse(bank.submit_batch(batch()), play(opened()))
    account = AccountRef(
        rail="iso20022_bank", account=bank.settings.accounts["EUR"], currency="EUR"
    )
    documents = [
        converse(bank.statement(account, DAY), play(opened(now=NEXT_NIGHT)))[0] for _ in range(2)
    ]
    assert documents[0] == documents[1]


def test_a_wrong_password_is_refused(opened: Open, play: Play) -> None:
    """Without its credentials the bank answers 401 and nothing else."""
    ask = play(opened(), password="wrong")
    assert ask(reads(Request(method="GET", path="/payments/BATCH-1/status"))).status == 401


def test_a_torn_last_line_of_memory_is_forgotten(
    bank: Iso20022Bank, batch: Make, opened: Open, play: Play, tmp_path: Path
) -> None:
    """A bank killed while it wrote never answered; what it takes next is not lost with it."""
    upload = commits(
        Request(method="POST", path="/payments", content=write_pain001(batch(), bank=bank.settings))
    )
    assert play(opened())(upload).status == 202
    memory = tmp_path / "bank.jsonl"
    memory.write_bytes(memory.read_bytes()[:-9])
    assert opened().executions() == []
    assert play(opened())(upload).status == 202
    assert len(opened().executions()) == 2


def test_batches_of_a_thousand_are_quick(
    bank: Iso20022Bank,
    batch: Make,
    opened: Open,
    play: Play,
    statement: Fetch,
) -> None:
    """Two thousand payments are uploaded, and a statement of all of them read, in seconds."""
    began = time.perf_counter()
    simulator = opened(now=NEXT_NIGHT)
    for number in range(2):
        names = [f"Merchant {index}" for index in range(1000)]
        converse(bank.submit_batch(batch(*names, batch_id=f"B-{number}")), play(simulator))
    read = statement(simulator)
    took_s = time.perf_counter() - began
    assert read is not None
    assert (len(read.lines), read.difference_minor) == (2000, 0)
    assert took_s < 20
