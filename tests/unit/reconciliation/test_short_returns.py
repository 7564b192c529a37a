"""What a statement says of a return that came short: who kept what, and what the rate took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from settle.adapters import Adapter, Charge, Fact, StatementDocument
from settle.engine import Engine
from settle.reconciliation import confirm, keep, match, reopened
from settle.store import Store

DAY = date(2024, 12, 19)
AT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
RECORD = (
    "<Rcrd><Amt Ccy='{ccy}'>{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
    "<Agt><FinInstnId><BICFI>{agent}</BICFI></FinInstnId></Agt></Rcrd>"
)
RATE = (
    "<AmtDtls><TxAmt><Amt Ccy='EUR'>{back}</Amt><CcyXchg><SrcCcy>USD</SrcCcy>"
    "<XchgRate>1.0510</XchgRate></CcyXchg></TxAmt></AmtDtls>"
)


def entry(ref: str, amount: str, direction: str, details: str = "") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{DAY}</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>"
        "<NtryDtls><TxDtls><Refs><EndToEndId>E-P1</EndToEndId></Refs>"
        f"<Amt Ccy='EUR'>{amount}</Amt>{details}</TxDtls></NtryDtls></Ntry>"
    )


def statement(back: str, closing: str, details: str) -> StatementDocument:
    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>"
        )

    rows = entry("L1", "10.00", "DBIT") + entry("L2", back, "CRDT", details)
    content = (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt>"
        "<Id>S1</Id><Acct><Id><Othr><Id>ACC</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance('OPBD', '100.00')}{balance('CLBD', closing)}{rows}"
        "</Stmt></BkToCstmrStmt></Document>"
    )
    return StatementDocument(
        rail="paper", account="ACC", currency="EUR", day=DAY, format="camt.053",
        content=content.encode(),
    )  # fmt: skip


@pytest.mark.parametrize("exchanged", [False, True])
def test_each_hop_and_the_rate_reach_the_evidence(
    store: Store, engine: Engine, payments: Callable[..., pa.Table], paper: Adapter[Any],
    exchanged: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """What charges leave open matches only where the money was converted; else somebody looks."""
    hops = RECORD.format(ccy="EUR", amount="0.25", agent="CHASUS33")
    hops += RECORD.format(ccy="EUR", amount="0.05", agent="COBADEFF")
    details = RATE.format(back="9.60") if exchanged else ""
    details += f"<Chrgs>{hops}</Chrgs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    keep(store, statement("9.60", "99.60", details), adapter=paper, received_at=AT)
    found = match(store, engine, payments=payments(("P1", 1000)), day=DAY, as_of=AT)
    back = [x for x in found.evidence if x.fact is Fact.RETURNED]
    with store.reading() as connection:
        undone = reopened(connection)
    if not exchanged:
        assert ([], [], 1) == (back, undone, found.unexplained)
        return
    (seen,) = back
    assert seen.charges == (
        Charge(amount_minor=25, currency="EUR", agent="CHASUS33"),
        Charge(amount_minor=5, currency="EUR", agent="COBADEFF"),
    )
    assert (seen.exchanged, seen.amount_minor, seen.charges_minor) == (True, 960, 40)
    assert [("P1", DAY)] == [(x.payment_id, x.reopened_on) for x in undone]
    assert 2 == confirm(store, [x.evidence_id for x in found.evidence], at=AT)
