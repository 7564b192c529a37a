"""The pain.001 written as text is what lxml builds element by element, which is slow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Batch, Beneficiary, Payment, PaymentKind
from settle.money import plain
from settle_iso20022_bank.message import (
    Element,
    add,
    add_account,
    document,
    fitted,
    iban,
    serialised,
)
from settle_iso20022_bank.settings import Iso20022BankSettings
from settle_iso20022_bank.wire import CLEARING_SYSTEMS, PAIN_001, instruction_id, write_pain001

BANK = Iso20022BankSettings(
    base_url="https://bank.invalid",
    accounts={"EUR": "DE89370400440532013000", "SEK": "SE4550000000058398257466", "USD": "70<&>5"},
    bic="COBADEFFXXX",
    debtor_name="Hub & Sons <Ltd>",
    debtor_country="DE",
    debtor_town="Berlin",
    user="hub",
    password="env:BANK_PASSWORD",
    batch_booking=frozenset({"SEK"}),
)


def by_elements(batch: Batch, *, bank: Iso20022BankSettings) -> bytes:
    """The batch as pain.001. This is the same bytes for the same batch and settings."""
    message = document(PAIN_001, "CstmrCdtTrfInitn")
    header = add(message, "GrpHdr")
    add(header, "MsgId", batch.batch_id)
    add(header, "CreDtTm", f"{batch.created_on.isoformat()}T00:00:00Z")
    _totals(header, batch)
    add(header, "InitgPty/Nm", fitted(bank.debtor_name, 140))
    _instruction(message, batch, bank)
    return serialised(message)


def _totals(parent: Element, batch: Batch) -> None:
    add(parent, "NbOfTxs", str(len(batch)))
    add(parent, "CtrlSum", plain(batch.total_minor, batch.currency))


def _instruction(message: Element, batch: Batch, bank: Iso20022BankSettings) -> None:
    block = add(message, "PmtInf")
    add(block, "PmtInfId", batch.batch_id)
    add(block, "PmtMtd", "TRF")
    add(block, "BtchBookg", "true" if batch.currency in bank.batch_booking else "false")
    _totals(block, batch)
    add(block, "ReqdExctnDt/Dt", batch.value_date.isoformat())
    _party(block, "Dbtr", bank.debtor_name, town=bank.debtor_town, country=bank.debtor_country)
    account = add_account(block, "DbtrAcct", bank.payer(batch))
    add(account, "Ccy", batch.currency)
    add(block, "DbtrAgt/FinInstnId/BICFI", bank.bic)
    for payment in batch:
        _transfer(add(block, "CdtTrfTxInf"), payment)


def _transfer(transfer: Element, payment: Payment) -> None:
    identity = add(transfer, "PmtId")
    add(identity, "InstrId", instruction_id(payment))
    add(identity, "EndToEndId", payment.end_to_end_id)
    add(identity, "UETR", payment.uetr)
    amount = plain(payment.amount_minor, payment.currency)
    add(transfer, "Amt/InstdAmt", amount, Ccy=payment.currency)
    payee = payment.beneficiary
    # SLEV belongs to the euro's own scheme; elsewhere each side bears its bank's charges.
    in_scheme = payment.currency == "EUR" and iban(payee.account) is not None
    add(transfer, "ChrgBr", "SLEV" if in_scheme else "SHAR")
    _agent(transfer, payee)
    _party(transfer, "Cdtr", payee.name, town=payee.town, country=payee.country)
    add_account(transfer, "CdtrAcct", payee.account)
    is_code = re.fullmatch(r"[A-Z]{4}", payment.purpose)
    if purpose := fitted(payment.purpose, 35):
        add(transfer, "Purp/Cd" if is_code else "Purp/Prtry", purpose)
    if remittance := fitted(payment.remittance_information, 140):
        add(transfer, "RmtInf/Ustrd", remittance)


def _agent(transfer: Element, payee: Beneficiary) -> None:
    if not (payee.bic or payee.bank_code):
        return
    institution = add(transfer, "CdtrAgt/FinInstnId")
    if payee.bic:
        add(institution, "BICFI", payee.bic)
    if payee.bank_code:
        member = add(institution, "ClrSysMmbId")
        if system := CLEARING_SYSTEMS.get(payee.country):
            add(member, "ClrSysId/Cd", system)
        add(member, "MmbId", fitted(payee.bank_code, 35))


def _party(parent: Element, role: str, name: str, *, town: str, country: str) -> None:
    party = add(parent, role)
    add(party, "Nm", fitted(name, 140))
    address = add(party, "PstlAdr")
    add(address, "TwnNm", fitted(town, 35))
    add(address, "Ctry", country)


characters = st.text(st.characters(codec="utf-8"), max_size=20) | st.text(
    "<>&'\"] \r\n\té", max_size=8
)
payees = st.builds(
    Beneficiary,
    name=characters, country=st.sampled_from(["DE", "AU", "US", "F&", ""]), town=characters,
    account=characters | st.sampled_from(["DE89370400440532013000", "NO93 8601 1117 947"]),
    bic=st.none() | st.just("DNBANOKK"), bank_code=st.none() | characters,
)  # fmt: skip
orders = st.builds(
    Payment,
    payment_id=st.uuids().map(str) | st.text("ab<&-", min_size=1, max_size=40),
    kind=st.just(PaymentKind.PAYOUT), amount_minor=st.integers(1, 10**15),
    currency=st.sampled_from(["EUR", "SEK", "USD"]), beneficiary=payees,
    value_date=st.just(date(2024, 12, 19)), idempotency_key=st.just("key"),
    end_to_end_id=characters, uetr=st.uuids(version=4).map(str),
    remittance_information=characters, purpose=st.sampled_from(["SUPP", "Supp", "", "<A&B>"]),
)  # fmt: skip


def outcome(write: Callable[[], bytes]) -> bytes | None:
    """What is written; None where a character is refused."""
    try:
        return write()
    except ValueError:
        return None


@given(drawn=st.lists(orders, min_size=1, max_size=3), batch_id=characters)
def test_the_text_is_what_elements_would_be(drawn: list[Payment], batch_id: str) -> None:
    """Byte for byte the message that lxml builds, and the same characters refused."""
    first = drawn[0].currency
    batch = Batch(
        batch_id=batch_id, currency=first, value_date=date(2024, 12, 19),
        created_on=date(2024, 12, 18), payments=tuple(replace(p, currency=first) for p in drawn),
    )  # fmt: skip
    expected = outcome(lambda: by_elements(batch, bank=BANK))
    assert expected == outcome(lambda: write_pain001(batch, bank=BANK))
