"""Which rejections say that nothing was created, and which decide nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from settle.adapters import (
    Batch,
    BatchOutcome,
    Effect,
    Exchange,
    Fact,
    Finding,
    Rejected,
    Response,
    Unknown,
    converse,
)
from settle_iso20022_bank import Iso20022Bank
from settle_iso20022_bank.verdict import DUPLICATES, NOTHING_WAS_CREATED

UNDECIDED = ("AM07", "AM09", "AB05", "CUST", "ED05", "FOCR", "MS02", "MS03", "NARR", "NOOR", "XXXX")
BOTH = ("E2E-1", "E2E-2")
Reasons = tuple[str, ...]


def because(reasons: Reasons) -> str:
    """Reasons of a status, each as `Cd AC04` or `Prtry X1`."""
    pairs = [reason.split(" ", 1) for reason in reasons]
    return "".join(
        f"<StsRsnInf><Rsn><{name}>{code}</{name}></Rsn></StsRsnInf>" for name, code in pairs
    )


def rejection(
    group: str, above: Reasons = (), *, of: tuple[str, ...] = (), own: Reasons = (), block: str = ""
) -> bytes:
    """A status report: the group's status and reasons, and the payments it lists as RJCT."""
    items = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        f"{because(own)}</TxInfAndSts>"
        for reference in of
    )
    return (
        "<Document><CstmrPmtStsRpt>"
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2024-12-18T17:31:00+01:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>BATCH-1</OrgnlMsgId><GrpSts>{group}</GrpSts>"
        f"{because(above)}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts>{block}{items}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


def said(bank: Iso20022Bank, batch: Batch, content: bytes) -> tuple[BatchOutcome, Finding]:
    """What the adapter makes of a report: after the upload, and when it is asked later."""

    def answer(exchange: Exchange) -> Response:
        if exchange.effect is Effect.COMMITS:
            return Response(status=202)
        return Response(status=200, content=content)

    outcomes, _ = converse(bank.submit_batch(batch), answer)
    found, _ = converse(bank.find_batch(batch), answer)
    return outcomes, found


@pytest.mark.parametrize("code", sorted(NOTHING_WAS_CREATED))
def test_a_reason_checked_before_anything_is_created_rejects(
    bank: Iso20022Bank, batch: Callable[..., Batch], code: str
) -> None:
    """Each code of the table of MAPPING.md, at the payment or at the group, is a rejection."""
    reasons = (f"Cd {code}",)
    for content in (rejection("PART", of=BOTH, own=reasons), rejection("RJCT", reasons)):
        outcomes, found = said(bank, batch(), content)
        assert [Rejected(code=code, reason="RJCT")] * 2 == list(outcomes.values())
        assert [(Fact.REJECTED, code)] * 2 == [(each.fact, each.code) for each in found]


@pytest.mark.parametrize(
    "reasons",
    [
        *((f"Cd {code}",) for code in sorted(DUPLICATES)),
        *((f"Cd {code}",) for code in UNDECIDED),
        (), ("Prtry AC04",), ("Cd AC04", "Cd AM05"), ("Cd AC04", "Prtry X1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_any_other_rejection_leaves_unknown_and_is_no_evidence(
    bank: Iso20022Bank, batch: Callable[..., Batch], reasons: Reasons
) -> None:
    """A duplicate, an unspecific reason or none does not say that nothing was created."""
    codes = [reason.removeprefix("Cd ") for reason in reasons]
    for content in (rejection("PART", of=BOTH, own=reasons), rejection("RJCT", reasons)):
        outcomes, found = said(bank, batch(), content)
        assert [] == list(found)
        for outcome in outcomes.values():
            assert isinstance(outcome, Unknown)
            assert all(code in outcome.reason for code in codes)
            assert ("duplicate" in outcome.reason) == (not DUPLICATES.isdisjoint(codes))


def test_the_reasons_of_every_level_count(bank: Iso20022Bank, batch: Callable[..., Batch]) -> None:
    """A payment's own good reason inside a message that is a duplicate decides nothing."""
    duplicate = rejection("RJCT", ("Cd DU01",), of=BOTH, own=("Cd AC04",))
    outcomes, _ = said(bank, batch(), duplicate)
    assert {Unknown} == {type(outcome) for outcome in outcomes.values()}


def test_a_reason_above_counts_for_what_stands_below_without_one(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """A bank may say RJCT at each level and the reason at one of them."""
    block = "<PmtInfSts>RJCT</PmtInfSts>"
    outcomes, _ = said(bank, batch(), rejection("RJCT", ("Cd FF01",), of=BOTH, block=block))
    assert {Rejected} == {type(outcome) for outcome in outcomes.values()}


def test_a_payment_listed_twice_counts_with_the_reasons_of_both(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """The second entry of a payment is read, too."""
    content = rejection("PART", of=BOTH, own=("Cd AC04",)).replace(
        b"</OrgnlPmtInfAndSts>",
        b"<TxInfAndSts><OrgnlEndToEndId>E2E-2</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        b"<StsRsnInf><Rsn><Cd>DUPL</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>",
    )
    outcomes, _ = said(bank, batch(), content)
    assert [Rejected, Unknown] == [type(outcome) for outcome in outcomes.values()]


def test_the_mapping_names_every_reason() -> None:
    """MAPPING.md states each code that rejects, and none of them among those that do not."""
    mapping = Path(__file__).parents[1] / "MAPPING.md"
    tables = mapping.read_text("utf-8").partition("## Reasons of RJCT")[2]
    rejects, _, others = tables.partition("Any other RJCT")
    assert set(NOTHING_WAS_CREATED) == set(
        re.findall(r"\b[A-Z]{2}(?:[A-Z]{2}|\d\d)\b", rejects)
    ) - {"RJCT"}
    assert DUPLICATES <= set(re.findall(r"\b[A-Z]{2}(?:[A-Z]{2}|\d\d)\b", others))
    assert not set(NOTHING_WAS_CREATED) & set(
        re.findall(r"\b[A-Z0-9]{4}\b", others.partition("## The bank's profile")[0])
    )
