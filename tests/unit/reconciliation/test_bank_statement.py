"""A bank's camt.053 becomes evidence: single bookings, a batch as one sum, a short return."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from settle.adapters import Adapter, Fact, Source, StatementDocument
from settle.engine import Engine
from settle.reconciliation import BreakKind, keep, match, open_breaks, refresh
from settle.store import Store

AT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 19)
Payments = Callable[..., pa.Table]

ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd>
</Sts><BookgDt><Dt>2024-12-19</Dt></BookgDt><ValDt><Dt>2024-12-19</Dt></ValDt>
<AcctSvcrRef>{reference}</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"""
BALANCE = """<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-12-19</Dt></Dt></Bal>"""
STATEMENT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2024-12-19T23:59:59Z</CreDtTm></GrpHdr><Stmt><Id>S-1</Id>
<CreDtTm>2024-12-19T23:59:59Z</CreDtTm>
<Acct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id><Ccy>EUR</Ccy></Acct>
{opening}{closing}{entries}</Stmt></BkToCstmrStmt></Document>"""


def entry(reference: str, amount: str, direction: str, details: str) -> str:
    """One booked entry."""
    return ENTRY.format(reference=reference, amount=amount, direction=direction, details=details)


OWN_FUNDS = "<TxDtls><RmtInf><Ustrd>OWN FUNDS</Ustrd></RmtInf></TxDtls>"
SINGLE = "<TxDtls><Refs><EndToEndId>E-P1</EndToEndId></Refs></TxDtls>"
BATCH = "<Btch><PmtInfId>B-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"
RETURN = """<TxDtls><Refs><EndToEndId>E-P2</EndToEndId></Refs><Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">
0.07</TtlChrgsAndTaxAmt></Chrgs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"""


def test_a_banks_statement_becomes_evidence(
    store: Store, engine: Engine, payments: Payments, paper: Adapter[Any]
) -> None:
    """Three payments are booked by two lines, one of them comes back short, and it is said."""
    content = STATEMENT.format(
        opening=BALANCE.format(code="OPBD", amount="0.00"),
        closing=BALANCE.format(code="CLBD", amount="5.93"),
        entries=entry("A0", "10.00", "CRDT", OWN_FUNDS)
        + entry("A1", "1.00", "DBIT", SINGLE)
        + entry("A2", "5.00", "DBIT", BATCH)
        + entry("A3", "1.93", "CRDT", RETURN),
    )  # fmt: skip
    document = StatementDocument(
        rail="paper", account="DE89370400440532013000", currency="EUR", day=DAY,
        format="camt.053", content=content.encode(),
    )  # fmt: skip
    kept = keep(store, document, adapter=paper, received_at=AT)
    assert (4, 4, ()) == (kept.lines_in, kept.lines_new, kept.findings)
    sent = at_bank(payments(("P1", 100), ("P2", 200), ("P3", 300)), document.account)
    found = match(store, engine, payments=sent, day=DAY, as_of=AT)
    expected = {"batch_reference": 1, "exact_reference": 1, "receipt": 1, "return_reference": 1}
    assert expected == found.by_pass
    assert [
        (Fact.BOOKED, "P1", 100, 0, ""),
        (Fact.BOOKED, "P2", 200, 0, ""),
        (Fact.BOOKED, "P3", 300, 0, ""),
        (Fact.RETURNED, "P2", 193, 7, "AC04"),
    ] == sorted(
        ((e.fact, e.reference, e.amount_minor, e.charges_minor, e.code) for e in found.evidence),
        key=lambda told: (told[0], told[1]),
    )
    assert {Source.STATEMENT} == {e.source for e in found.evidence}
    refresh(store, day=DAY, as_of=AT, payments=sent)
    with store.reading() as connection:
        breaks = open_breaks(connection)
    assert [(BreakKind.SHORT_RETURN, "P2", 7)] == [
        (found.kind, found.subject, found.amount_minor) for found in breaks
    ]


def at_bank(sent: pa.Table, account: str) -> pa.Table:
    """The payments, sent from the bank account; the last two as one batch."""
    rows = [{**row, "account": account} for row in sent.to_pylist()]
    for row in rows[1:]:
        row["batch_id"] = "B-1"
    return pa.Table.from_pylist(rows, schema=sent.schema)
