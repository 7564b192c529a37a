"""What goes out, and what the simulated bank answers, against the schemas ISO published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from settle.adapters import Batch, Beneficiary, Payment, PaymentKind, Recall
from settle.adapters.simulator import Memory, OutsideLine
from settle.reconciliation.camt053 import read_camt053
from settle_iso20022_bank import Iso20022BankSettings
from settle_iso20022_bank.recall import write_camt055
from settle_iso20022_bank.simulator.ledger import BankLedger
from settle_iso20022_bank.simulator.recall import read_request, write_camt029
from settle_iso20022_bank.simulator.statement import write_camt053
from settle_iso20022_bank.simulator.status import write_pain002
from settle_iso20022_bank.simulator.upload import Upload, read_upload
from settle_iso20022_bank.wire import write_pain001

SCHEMAS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pyiso20022" / "xsd"
DAY = date(2024, 12, 19)
ACCOUNTS = {
    "EUR": "DE89 3704 0044 0532 0130 00",
    "USD": "7000012345",
    "JPY": "x" * 34,
    "SEK": "SE4550000000058398257466",
}

PAYEES = [
    Beneficiary(
        name="O'Neill & <b>Søn</b> \"Ångström\"", country="GB", town="Leeds",
        account="GB29 NWBK 6016 1331 9268 19", bic="NWBKGB2L",
    ),
    Beneficiary(
        name="控制\x00\x1b\u202e字 \ud800 株式会社" + "長" * 200, country="JP", town="大阪市" * 20,
        account="1234567", bank_code="0001001",
    ),
    Beneficiary(
        name="]]>&amp; <!-- Ω -->\t\r\n two", country="US", town="Portland",
        account="0012 345", bic="ZABCUS22XXX", bank_code="021000021",
    ),
    Beneficiary(
        name="Bo SANDBOX REJECT AC04", country="KR", town="Busan", account="9" * 13,
        bank_code="088",
    ),
    Beneficiary(
        name="Al SANDBOX RETURN MS03 SHORT 25", country="ZZ", town="Nowhere",
        account="DE00 NOT AN IBAN", bic="COBADEFF",
    ),
]  # fmt: skip
"""Names, towns and accounts as hostile as the adapter's own check lets through."""


def settings() -> Iso20022BankSettings:
    return Iso20022BankSettings(
        base_url="https://bank.invalid",
        accounts=ACCOUNTS,
        bic="COBADEFF",
        debtor_name="Hub & Co <Ltd>",
        debtor_country="DE",
        debtor_town="Berlin",
        user="hub",
        password="env:BANK_PASSWORD",
        batch_booking=frozenset({"SEK"}),
    )


def batch(currency: str) -> Batch:
    payments = [
        Payment(
            payment_id=f"01900000-0000-7000-8000-{number:012d}" + "x" * number,
            kind=PaymentKind.PAYOUT,
            amount_minor=10 ** (2 * number) + 7,
            currency=currency,
            beneficiary=payee,
            value_date=DAY,
            idempotency_key="k",
            end_to_end_id="E" * 34 + str(number),
            uetr=f"00000000-0000-4000-8000-{number:012d}",
            remittance_information="" if number == 1 else "Zürich/東京 & <> \x07" * (10 * number),
            purpose="SUPP" if number % 2 else "merchant settlement",
        )
        for number, payee in enumerate(PAYEES, start=1)
    ]
    return Batch(
        batch_id=f"B-{currency}-" + "0" * 29,
        currency=currency,
        value_date=DAY,
        created_on=date(2024, 12, 18),
        payments=payments,
    )


def uploaded(currency: str) -> Upload:
    content = write_pain001(batch(currency), bank=settings())
    received_at = datetime(2024, 12, 18, 16, 30, 0, 5, tzinfo=UTC)
    return read_upload(content, received_at=received_at, accounts=ACCOUNTS)


def faults(content: bytes, schema: str) -> str:
    path = SCHEMAS / schema
    if not path.is_file():
        pytest.skip(f"the published schema {path.name} is not on this machine")
    validator = etree.XMLSchema(etree.parse(path))
    validator.validate(etree.fromstring(content))
    return str(validator.error_log)


@pytest.mark.parametrize("currency", ACCOUNTS)
def test_the_adapters_pain001_is_valid(currency: str) -> None:
    """Nasty names, long texts, local accounts and a currency without decimals all fit."""
    content = write_pain001(batch(currency), bank=settings())
    assert faults(content, "payments_initiation/pain.001/pain.001.001.09.xsd") == ""


@pytest.mark.parametrize("currency", ACCOUNTS)
def test_the_banks_pain002_is_valid(currency: str) -> None:
    """A partly rejected batch is reported in the published form."""
    content = write_pain002(uploaded(currency))
    assert b"PART" in content
    assert faults(content, "payments_initiation/pain.002/pain.002.001.10.xsd") == ""


@pytest.mark.parametrize("currency", ACCOUNTS)
def test_the_banks_camt053_is_valid_and_read_back(currency: str) -> None:
    """Debits, a batch, a short return and an outside line are valid, and balance when read."""
    outside = OutsideLine(
        day=DAY, currency=currency, amount_minor=5, reference="DEPOSIT P-1", counterparty="A & B"
    )
    ledger = BankLedger(memory=Memory(None), accounts=ACCOUNTS, outside=[outside])
    ledger.take(uploaded(currency))
    books = ledger.account_day(ACCOUNTS[currency], DAY)
    assert books is not None
    content = write_camt053(books)
    assert faults(content, "cash_management/camt.053/camt.053.001.08.xsd") == ""
    [statement] = read_camt053(content, rail="bank", account=ACCOUNTS[currency])
    expected = (0, 3 if currency == "SEK" else 6)
    assert expected == (statement.difference_minor, len(statement.lines))


@pytest.mark.parametrize("name", ["Mo", "Mo SANDBOX RECALL ACCR", "Mo SANDBOX RECALL PDCR"])
def test_the_banks_camt029_is_valid(name: str) -> None:
    """Refused, granted or pondered: each answer to a recall has the published form."""
    sent = batch("EUR")
    payment = replace(sent.payments[0], beneficiary=replace(PAYEES[0], name=name))
    sent = replace(sent, payments=[payment])
    ledger = BankLedger(memory=Memory(None), accounts=ACCOUNTS, outside=[])
    at = datetime(2024, 12, 19, tzinfo=UTC)
    ledger.take(
        read_upload(write_pain001(sent, bank=settings()), received_at=at, accounts=ACCOUNTS)
    )
    recall = Recall(
        recall_id="R" * 32, payment=payment, batch_id=sent.batch_id, code="DUPL", asked_on=DAY
    )
    ledger.recall(read_request(write_camt055(recall, bank=settings()), received_at=at))
    found = ledger.recalled(recall.recall_id)
    assert found is not None
    content = write_camt029(*found)
    assert faults(content, "cash_management/camt.029/camt.029.001.09.xsd") == ""
