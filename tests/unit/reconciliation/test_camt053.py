"""What a camt.053 says, and what the reader refuses to guess."""

from __future__ import annotations

from datetime import date

import pytest

from settle.adapters import LineKind, Statement, StatementLine
from settle.errors import DocumentError
from settle.reconciliation.camt053 import read_camt053


def balance(code: str, amount: str = "0.00", *, sign: str = "CRDT", currency: str = "EUR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Dt><Dt>2024-12-19</Dt></Dt></Bal>"
    )


def entry(
    amount: str = "10.00",
    *,
    sign: str = "DBIT",
    currency: str = "EUR",
    status: str = "<Cd>BOOK</Cd>",
    dates: str = "<BookgDt><Dt>2024-12-19</Dt></BookgDt><ValDt><Dt>2024-12-20</Dt></ValDt>",
    reference: str = "",
    more: str = "",
    reversal: str = "",
) -> str:
    own = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{reversal}'
        f"<Sts>{status}</Sts>{dates}{own}<BkTxCd/>{more}</Ntry>"
    )


def details(*transactions: str, batch: str = "") -> str:
    items = "".join(f"<TxDtls>{each}</TxDtls>" for each in transactions)
    return f"<NtryDtls>{batch}{items}</NtryDtls>"


def file(
    *entries: str,
    opening: str = balance("OPBD", "100.00"),
    closing: str = balance("CLBD", "100.00"),
    namespace: str = ' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"',
    account: str = "<IBAN>DE89370400440532013000</IBAN>",
    container: str = "Stmt",
) -> bytes:
    return (
        f"<Document{namespace}><BkToCstmrStmt><GrpHdr/><{container}><Id>S-1</Id>"
        f"<Acct><Id>{account}</Id></Acct>{opening}{closing}{''.join(entries)}"
        f"</{container}></BkToCstmrStmt></Document>"
    ).encode()


def read(*entries: str) -> Statement:
    [statement] = read_camt053(file(*entries), rail="bank")
    return statement


def line(entry_xml: str) -> StatementLine:
    [only] = read(entry_xml).lines
    return only


def test_direction_is_the_sign() -> None:
    """A debit went out and a credit came in, the amount itself is never signed."""
    lines = read(entry("10.00", sign="DBIT"), entry("3.5", sign="CRDT")).lines
    assert [each.amount_minor for each in lines] == [-1000, 350]


def test_a_reversal_keeps_the_direction_it_states() -> None:
    """`CdtDbtInd` already reflects the reversal, which is only named."""
    reversed_debit = line(entry(sign="CRDT", reversal="<RvslInd>true</RvslInd>"))
    expected = (1000, LineKind.REVERSAL)
    assert expected == (reversed_debit.amount_minor, reversed_debit.kind)


def test_dates_and_balances_are_the_banks() -> None:
    """Booking and value date differ; balances carry their sign; the day is the closing one's."""
    content = file(
        entry("150.00"), opening=balance("PRCD", "100.00"),
        closing=balance("CLBD", "50.00", sign="DBIT"),
    )  # fmt: skip
    [statement] = read_camt053(content, rail="bank")
    first = statement.lines[0]
    expected = (date(2024, 12, 19), date(2024, 12, 19), date(2024, 12, 20))
    assert expected == (statement.day, first.booked_on, first.value_on)
    balances = (10000, -5000, 0)
    assert balances == (
        statement.opening_minor, statement.closing_minor, statement.difference_minor,
    )  # fmt: skip


def test_an_entry_without_a_date_is_of_the_statements_day() -> None:
    """Some banks date the statement and not its entries."""
    assert line(entry(dates="")).booked_on == date(2024, 12, 19)


def test_every_reference_is_kept_and_fillers_are_none() -> None:
    """NONREF and NOTPROVIDED are how a bank writes that there is none."""
    refs = (
        "<Refs><MsgId>M</MsgId><AcctSvcrRef>A</AcctSvcrRef><InstrId>NOTPROVIDED</InstrId>"
        "<EndToEndId>{}</EndToEndId><UETR>00000000-0000-4000-8000-00000000000A</UETR>"
        "<Prtry><Tp>X</Tp><Ref>own</Ref></Prtry></Refs>"
    )
    given = line(entry(more=details(refs.format("E2E-1"))))
    assert given.end_to_end_id == "E2E-1"
    assert given.uetr == "00000000-0000-4000-8000-00000000000a"
    expected = {"MsgId": "M", "AcctSvcrRef": "A", "Prtry": "own"}
    assert expected.items() <= given.references.items()
    assert "InstrId" not in given.references
    for filler in ("NONREF", "NotProvided", ""):
        assert line(entry(more=details(refs.format(filler)))).end_to_end_id is None


def test_a_return_says_why_and_what_it_cost() -> None:
    """Return reason, instructed amount, charges and the beneficiary who did not get it."""
    returned = line(
        entry(
            "85.00",
            sign="CRDT",
            more=details(
                "<Refs><EndToEndId>E2E-1</EndToEndId></Refs>"
                '<AmtDtls><InstdAmt><Amt Ccy="EUR">100.00</Amt></InstdAmt></AmtDtls>'
                '<Chrgs><Rcrd><Amt Ccy="EUR">15.00</Amt></Rcrd></Chrgs>'
                "<RltdPties><Dbtr><Pty><Nm>Hub</Nm></Pty></Dbtr>"
                "<Cdtr><Pty><Nm>Bo</Nm></Pty></Cdtr></RltdPties>"
                "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
            ),
        )
    )
    expected = (LineKind.RETURN, "AC04", 8500, 10000, "EUR", 1500, "Bo")
    assert expected == (
        returned.kind, returned.return_code, returned.amount_minor, returned.instructed_minor,
        returned.instructed_currency, returned.charges_minor, returned.counterparty,
    )  # fmt: skip


def test_charges_of_the_oldest_versions_are_summed() -> None:
    """Version .02 repeats `Chrgs` with an amount each; another currency is kept as it stands."""
    charges = "".join(
        f'<Chrgs><Amt Ccy="{currency}">{amount}</Amt></Chrgs>'
        for currency, amount in (("EUR", "1.00"), ("EUR", "0.50"), ("XTS", "9"))
    )
    given = line(entry(more=charges + details("<Refs/>")))
    assert given.charges_minor == 150
    assert given.references["Chrgs"] == "9 XTS"


def test_a_batch_without_details_is_one_line_of_many() -> None:
    """The bank's count and the batch's id stand for the payments in it."""
    batch = "<Btch><MsgId>M</MsgId><PmtInfId>B-1</PmtInfId><NbOfTxs>40</NbOfTxs></Btch>"
    given = line(entry(more=details(batch=batch)))
    expected = ("B-1", 40, None)
    assert expected == (given.batch_id, given.batch_count, given.end_to_end_id)
    assert line(entry(more=details(batch="<Btch/>"))).batch_count == 0
    assert line(entry()).batch_count == 1


def test_details_that_sum_to_the_entry_are_its_lines() -> None:
    """Each payment of a batch is matched by its own reference, where the bank tells them all."""
    parts = [
        f'<Refs><EndToEndId>E-{n}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>'
        for n, amount in ((1, "4.00"), (2, "6.00"))
    ]
    lines = read(entry("10.00", reference="A-1", more=details(*parts))).lines
    expected = [("A-1/1", -400, "E-1", 1), ("A-1/2", -600, "E-2", 1)]
    assert expected == [
        (each.line_ref, each.amount_minor, each.end_to_end_id, each.batch_count) for each in lines
    ]


def test_details_that_do_not_sum_stay_one_line() -> None:
    """No share is guessed: the entry is a batch of as many as it has details."""
    parts = ['<Amt Ccy="EUR">4.00</Amt>', '<Amt Ccy="EUR">5.00</Amt>']
    given = line(entry("10.00", more=details(*parts)))
    expected = (-1000, 2)
    assert expected == (given.amount_minor, given.batch_count)


def test_line_refs_are_the_banks_where_unique_else_ordinals() -> None:
    """A reference that stands twice in a statement names no line."""
    lines = read(entry(reference="A"), entry(reference="B"), entry(reference="A"), entry()).lines
    assert [each.line_ref for each in lines] == ["S-1/1", "B", "S-1/3", "S-1/4"]
    clash = read(entry(reference="S-1/2"), entry()).lines
    assert [each.line_ref for each in clash] == ["S-1/1", "S-1/2"]


def test_only_booked_entries_are_lines() -> None:
    """What is pending or informational moved nothing yet, in every version's way to say so."""
    statuses = ["BOOK", "<Cd>BOOK</Cd>", "PDNG", "<Cd>PDNG</Cd>", "INFO", "<Prtry>X</Prtry>"]
    assert len(read(*(entry(status=status) for status in statuses)).lines) == 2


@pytest.mark.parametrize("version", [*(f"{n:02d}" for n in range(1, 13))])
def test_every_version_is_read(version: str) -> None:
    """The namespace names the version, and the reader does not ask."""
    namespace = f' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"'
    [statement] = read_camt053(file(entry(), namespace=namespace), rail="bank")
    assert len(statement.lines) == 1


def test_a_wrapped_document_is_found() -> None:
    """Some banks put an envelope with a namespace of its own around it, or none at all."""
    inner = file(entry(), namespace=' xmlns="urn:x"')
    [statement] = read_camt053(b'<e:Env xmlns:e="urn:e">' + inner + b"</e:Env>", rail="bank")
    [bare] = read_camt053(file(entry(), namespace=""), rail="bank")
    assert statement == bare


def test_several_statements_of_a_file_stay_apart() -> None:
    """Each has its own balances and lines."""
    one = file(entry("1.00"))
    start, end = one.index(b"<Stmt>"), one.index(b"</BkToCstmrStmt>")
    both = one[:end] + one[start:end].replace(b">1.00<", b">2.00<") + one[end:]
    statements = read_camt053(both, rail="bank")
    assert [[each.amount_minor for each in s.lines] for s in statements] == [[-100], [-200]]


def test_an_intraday_report_owes_no_balances_and_is_not_complete() -> None:
    """A camt.052 or camt.054 opens at zero and closes at its own sum."""
    content = file(entry("1.00"), opening="", closing="", container="Ntfctn")
    dated = content.replace(b"<Id>S-1</Id>", b"<Id>S-1</Id><CreDtTm>2024-12-19T10:00:00</CreDtTm>")
    [report] = read_camt053(dated, rail="bank")
    expected = (0, -100, 0, False)
    assert expected == (
        report.opening_minor, report.closing_minor, report.difference_minor, report.complete,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(file(entry("1.001")), "entry 1: Amt: 1.001 EUR", id="decimals"),
        pytest.param(file(entry("1.5", currency="JPY")), "entry 1: Amt: 1.5 JPY", id="half a yen"),
        pytest.param(file(entry(currency="USD")), "entry 1: Amt: USD in a", id="currency"),
        pytest.param(file(entry(currency="QQQ")), "entry 1: Amt: currency 'QQQ'", id="unknown"),
        pytest.param(file(entry(), entry("NaN")), "entry 2: Amt: 'NaN'", id="NaN"),
        pytest.param(file(entry("1e3")), "entry 1: Amt: '1e3'", id="exponent"),
        pytest.param(file(entry("-1.00")), "entry 1: Amt: '-1.00'", id="negative"),
        pytest.param(file(entry("1" * 30)), "beyond 64 bits", id="huge"),
        pytest.param(file(entry(sign="DEBIT")), "CdtDbtInd is CRDT or DBIT", id="direction"),
        pytest.param(
            file(entry(dates="<BookgDt><Dt>19.12.2024</Dt></BookgDt>")),
            "entry 1: BookgDt: '19.12.2024' is not a date",
            id="date",
        ),
        pytest.param(file(closing=""), "closing balance (CLBD) are due", id="no closing"),
        pytest.param(
            file(opening=balance("OPBD", "1", currency="SEK")), "not in SEK", id="two currencies"
        ),
        pytest.param(file(account=""), "Acct/Id are due", id="no account"),
        pytest.param(file(container="Other"), "holds no statement", id="no statement"),
        pytest.param(file(entry())[:-40], "not whole XML", id="truncated"),
        pytest.param(b"{}", "not whole XML", id="JSON"),
        pytest.param(b"", "not whole XML", id="empty"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_place(content: bytes, named: str) -> None:
    """The error names statement, entry, field and why, and no part is returned."""
    with pytest.raises(DocumentError) as caught:
        read_camt053(content, rail="bank")
    assert named in str(caught.value)


def test_another_accounts_statement_is_refused() -> None:
    """The account asked for is compared without spaces; another one is an error."""
    assert read_camt053(file(), rail="bank", account="DE89 3704 0044 0532 0130 00")
    with pytest.raises(DocumentError, match="not the account asked for"):
        read_camt053(file(), rail="bank", account="DE00")


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://192.0.2.1/x.dtd">',
    ],
)
def test_a_document_type_is_refused(declaration: str) -> None:
    """Entity bombs and external entities need one, and ISO 20022 has none."""
    content = declaration.encode() + file(entry())
    with pytest.raises(DocumentError, match="document type"):
        read_camt053(content, rail="bank")


def test_depth_is_bounded() -> None:
    """A tower of elements ends as an error, not as a crash."""
    with pytest.raises(DocumentError):
        read_camt053(b"<a>" * 100_000, rail="bank")
