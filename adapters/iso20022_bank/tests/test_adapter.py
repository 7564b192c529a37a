"""The bank's documented answers, and every other one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from settle.adapters import (
    Accepted,
    AccountRef,
    Batch,
    Effect,
    Exchange,
    Fact,
    Payment,
    Rejected,
    Response,
    Unknown,
    Verb,
    converse,
)
from settle.errors import ConfigError, RailDown, Unsupported
from settle_iso20022_bank import Iso20022Bank, Iso20022BankSettings

FF01 = b"<error><code>FF01</code><reason>CtrlSum</reason></error>"


def report(
    group: str = "",
    *listed: tuple[str, str],
    block: str = "",
    message: str = "BATCH-1",
    version: str = "10",
    created: str = "2024-12-18T17:31:00+01:00",
) -> bytes:
    items = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        f"<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>"
        for reference, status in listed
    )
    reason = "<StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>" if group == "RJCT" else ""
    said = f"<GrpSts>{group}</GrpSts>{reason}" if group else ""
    block = f"<PmtInfSts>{block}</PmtInfSts>" if block else ""
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>S1</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>{said}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts>{block}{items}</OrgnlPmtInfAndSts>"
        f"</CstmrPmtStsRpt></Document>"
    ).encode()


def answering(upload: Response, status: Response | None = None) -> Callable[[Exchange], Response]:
    def answer(exchange: Exchange) -> Response:
        if exchange.effect is Effect.COMMITS:
            return upload
        return status or Response(status=404)

    return answer


def kinds(bank: Iso20022Bank, batch: Batch, content: bytes) -> tuple[object, ...]:
    answer = answering(Response(status=202), Response(status=200, content=content))
    outcomes, _ = converse(bank.submit_batch(batch), answer)
    return tuple(type(outcomes[payment.payment_id]) for payment in batch)


@pytest.mark.parametrize("status", ["ACCP", "ACFC", "ACSP", "ACSC", "ACWC", "ACCC"])
def test_a_group_status_of_acceptance_accepts_the_unlisted(
    bank: Iso20022Bank, batch: Callable[..., Batch], status: str
) -> None:
    """What the group says holds for each payment that the report does not list."""
    assert (Accepted, Accepted) == kinds(bank, batch(), report(status))


@pytest.mark.parametrize("status", ["RCVD", "ACTC", "PDNG", "PATC", "BLCK", "CANC", "XXXX", ""])
def test_a_status_that_decides_nothing_leaves_unknown(
    bank: Iso20022Bank, batch: Callable[..., Batch], status: str
) -> None:
    """Received, pending, technical and unheard-of statuses neither accept nor reject."""
    assert (Unknown, Unknown) == kinds(bank, batch(), report(status))


def test_a_rejected_group_rejects_all(bank: Iso20022Bank, batch: Callable[..., Batch]) -> None:
    """RJCT at the group with such a reason is documented as: nothing was created."""
    assert (Rejected, Rejected) == kinds(bank, batch(), report("RJCT"))


def test_a_listed_status_goes_before_the_groups(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """A group may be accepted with some of its payments rejected."""
    content = report("ACSP", ("E2E-2", "RJCT"))
    assert (Accepted, Rejected) == kinds(bank, batch(), content)


def test_part_accepts_the_unlisted_only_where_the_bank_documents_it(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """With `part_inherits` the rest of a partly accepted group is accepted, without it unknown."""
    content = report("PART", ("E2E-2", "RJCT"))
    strict = Iso20022Bank(bank.settings.model_copy(update={"part_inherits": False}))
    assert (Accepted, Rejected) == kinds(bank, batch(), content)
    assert (Unknown, Rejected) == kinds(strict, batch(), content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(report("RJCT", ("E2E-1", "ACSC"), ("E2E-2", "ACSC")), id="levels"),
        pytest.param(report("ACSP", block="RJCT"), id="block"),
        pytest.param(
            report("", ("E2E-1", "ACSC"), ("E2E-1", "RJCT"), ("E2E-2", "PDNG")), id="twice"
        ),
        pytest.param(report("ACSP", message="ANOTHER"), id="another message"),
        pytest.param(report("ACSP", created="soon"), id="undated"),
        pytest.param(report("ACSP")[:-20], id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>OK</html>", id="a page"),
        pytest.param(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", id="hostile"),
    ],
)
def test_a_report_that_cannot_be_trusted_leaves_unknown(
    bank: Iso20022Bank, batch: Callable[..., Batch], content: bytes
) -> None:
    """A report that contradicts itself, is another's or cannot be read decides nothing."""
    assert (Unknown, Unknown) == kinds(bank, batch(), content)


def test_a_report_is_read_in_every_version(bank: Iso20022Bank, batch: Callable[..., Batch]) -> None:
    """Banks answer in the version they have, not in the one asked for."""
    for version in ("03", "09", "12", "14"):
        content = report("ACCP", version=version)
        assert (Accepted, Accepted) == kinds(bank, batch(), content)


def test_an_uploads_own_answer_accepts_nothing(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """After 2xx without a report yet, every payment is unknown."""
    for upload in (200, 202):
        outcomes, asked = converse(bank.submit_batch(batch()), answering(Response(status=upload)))
        assert [Unknown, Unknown] == [type(outcome) for outcome in outcomes.values()]
        assert [exchange.effect for exchange in asked] == [Effect.COMMITS, Effect.READS]


def test_only_the_documented_error_rejects(bank: Iso20022Bank, batch: Callable[..., Batch]) -> None:
    """400 with FF01 created nothing; a bare 400, a conflict and a 5xx are unknown."""
    expected: list[tuple[int, bytes, type]] = [
        (400, FF01, Rejected),
        (400, b"", Unknown),
        (400, b"<error><code>XX</code></error>", Unknown),
        *((status, FF01, Unknown) for status in (302, 401, 403, 404, 409, 422, 429, 500, 503)),
    ]
    for status, content, outcome in expected:
        upload = Response(status=status, content=content)
        outcomes, asked = converse(bank.submit_batch(batch()), answering(upload))
        assert {outcome} == {type(each) for each in outcomes.values()}, status
        assert len(asked) == 1


def test_the_upload_is_the_same_bytes_each_time(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """A replayed conversation asks for the very request that was stored."""
    asked = [
        converse(bank.submit_batch(batch()), answering(Response(status=503)))[1][0].request
        for _ in range(2)
    ]
    assert asked[0].fingerprint == asked[1].fingerprint


def test_find_brings_dated_evidence_of_what_is_decided(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """Accepted and rejected payments are evidence at the report's own time in UTC."""
    answer = answering(Response(status=500), Response(status=200, content=report(
        "PDNG", ("E2E-1", "ACSC"), ("E2E-2", "RJCT")
    )))  # fmt: skip
    found, asked = converse(bank.find_batch(batch("A", "B", "C")), answer)
    assert [(evidence.reference, evidence.fact) for evidence in found] == [
        ("E2E-1", Fact.ACCEPTED),
        ("E2E-2", Fact.REJECTED),
    ]
    assert {datetime(2024, 12, 18, 16, 31, tzinfo=UTC)} == {e.occurred_at for e in found}
    assert [e.evidence_id for e in found] == ["BATCH-1/E2E-1/ACSC", "BATCH-1/E2E-2/RJCT"]
    assert [exchange.effect for exchange in asked] == [Effect.READS]


def test_an_unknown_message_is_found_missing_and_nothing_more(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """404 says that the bank does not know it now, of each payment; other errors say nothing."""
    found, _ = converse(bank.find_batch(batch()), answering(Response(status=500)))
    assert [evidence.fact for evidence in found] == [Fact.NOT_FOUND, Fact.NOT_FOUND]
    for status in (401, 500, 503):
        answer = answering(Response(status=500), Response(status=status))
        assert converse(bank.find_batch(batch()), answer)[0] == []


def test_a_statement_comes_as_the_bank_gave_it(bank: Iso20022Bank) -> None:
    """200 is the document byte for byte, 404 is none yet, another status is no answer at all."""
    account = AccountRef(rail="iso20022_bank", account="DE1", currency="EUR")
    day = date(2024, 12, 19)
    given = Response(status=200, content=b"<x/>")
    document, asked = converse(bank.statement(account, day), lambda _: given)
    assert document is not None
    assert ("camt.053", b"<x/>", day) == (document.format, document.content, document.day)
    assert asked[0].request.target == "/statements/DE1/2024-12-19"
    assert converse(bank.statement(account, day), lambda _: Response(status=404))[0] is None
    with pytest.raises(RailDown):
        converse(bank.statement(account, day), lambda _: Response(status=503))


def test_check_names_each_field_the_bank_would_refuse(
    bank: Iso20022Bank, payment: Callable[..., Payment]
) -> None:
    """What can be seen before sending is refused before sending."""
    good = payment()
    payee = good.beneficiary
    cases = {
        "currency": replace(good, currency="JPY"),
        "amount_minor": replace(good, amount_minor=0),
        "end_to_end_id": replace(good, end_to_end_id="E" * 36),
        "uetr": replace(good, uetr="not a uuid"),
        "beneficiary.name": replace(good, beneficiary=replace(payee, name="\x00 ")),
        "beneficiary.town": replace(good, beneficiary=replace(payee, town="")),
        "beneficiary.country": replace(good, beneficiary=replace(payee, country="Norway")),
        "beneficiary.account": replace(good, beneficiary=replace(payee, account="")),
        "beneficiary.bic": replace(good, beneficiary=replace(payee, bic="NOBIC")),
    }
    assert list(bank.check(good)) == []
    for field, bad in cases.items():
        assert field in [finding.partition(":")[0] for finding in bank.check(bad)]


def test_one_payment_alone_is_refused_locally(
    bank: Iso20022Bank, payment: Callable[..., Payment]
) -> None:
    """The bank takes files: `submit` and `find` of one payment are a documented no."""
    assert not bank.profile.supports(Verb.SUBMIT)
    with pytest.raises(Unsupported):
        bank.submit(payment())
    with pytest.raises(Unsupported):
        bank.find(payment())


def test_a_password_in_clear_is_refused_unrepeated(bank: Iso20022Bank) -> None:
    """The setting takes a reference; a password is not accepted and not printed."""
    given = bank.settings.model_dump() | {"password": "hunter2"}
    with pytest.raises(ConfigError) as caught:
        Iso20022BankSettings.model_validate(given)
    assert "hunter2" not in str(caught.value)


def test_it_pays_from_the_account_that_the_payments_name(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """Two batches that differ in nothing else name two debtors' accounts, and nothing else."""
    names = ("", "DE02120300000000202051", "DE02500105170137075030")
    alike = [
        replace(batch(), payments=[replace(each, account=name) for each in batch()])
        for name in names
    ]
    asked = [next(bank.submit_batch(each)) for each in alike]
    assert {Effect.COMMITS} == {each.effect for each in asked}
    first = bank.settings.accounts["EUR"].encode()
    payers = [first, *(name.encode() for name in names[1:])]
    contents = [each.request.content for each in asked]
    assert [1, 1, 1] == [x.count(payer) for x, payer in zip(contents, payers, strict=True)]
    assert 1 == len({x.replace(payer, b"") for x, payer in zip(contents, payers, strict=True)})
