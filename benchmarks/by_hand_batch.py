"""What somebody would write to pay a batch: check, write down, upload, write down. No engine.

Every row is ready in memory; of what they say nothing is computed here. The same rows are written
in as many commits with full sync, each IBAN is checked by schwifty, and the same message is
written and uploaded. A kill between upload and answer leaves somebody to find out by hand.
"""

from __future__ import annotations

import sqlite3
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from schwifty import IBAN

Row = Mapping[str, Any]
PAIN_001 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
STEPS = ("planned", "approved", "funded", "released", "accepted")
SENDING = {"released": "sending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All rows of one batch, as they are when it has been paid."""

    payments: Sequence[Row]
    payment_events: Sequence[Row]
    journal: Sequence[Row]
    exchanges: Sequence[Row]


def pay(file: str, rows: Rows, *, rail: str, ours: Row) -> None:
    """Pay the batch, into a file that has the schema. `ours`: who we are, for the message."""
    of_step = {step: [r for r in rows.payment_events if r["kind"] == step] for step in STEPS}
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("pragma journal_mode=wal; pragma synchronous=full;")
    for row in rows.payments:
        IBAN(row["beneficiary_account"])
    uploaded, asked = rows.exchanges
    with _commit(connection):
        _insert(connection, "payments", [{**row, "state": "planned"} for row in rows.payments])
        _insert(connection, "payment_events", of_step["planned"])
    for step in ("approved", "funded", "released"):
        with _commit(connection):
            _insert(connection, "payment_events", of_step[step])
            _move(connection, rows.payments, SENDING.get(step, step))
            if step == "released":
                _insert(connection, "journal", rows.journal)
    content = message(rows.payments, ours).encode()
    _exchange(connection, uploaded, f"{rail}/payments", content)
    _exchange(connection, asked, f"{rail}{asked['target']}", None)
    with _commit(connection):
        _insert(connection, "payment_events", of_step["accepted"])
        _move(connection, rows.payments, "accepted")
    connection.close()


def _exchange(connection: sqlite3.Connection, row: Row, url: str, content: bytes | None) -> None:
    with _commit(connection):
        _insert(connection, "exchanges", [row])
    with urllib.request.urlopen(urllib.request.Request(url, data=content)) as answer:
        body, status = answer.read(), answer.status
    assert status in (200, 202)
    assert content or b"<GrpSts>ACCP</GrpSts>" in body
    with _commit(connection):
        connection.execute(
            "update exchanges set status = ? where conversation_id = ? and step = ?",
            (status, row["conversation_id"], row["step"]),
        )


class _commit:  # noqa: N801 - it stands where a statement does
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.connection.execute("begin immediate")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.connection.execute("rollback" if error else "commit")


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    places = ", ".join("?" * len(names))
    connection.executemany(
        f"insert into {table} ({', '.join(names)}) values ({places})",
        (tuple(row.values()) for row in rows),
    )


def _move(connection: sqlite3.Connection, payments: Sequence[Row], state: str) -> None:
    connection.executemany(
        "update payments set state = ?, steps = ?, in_transit = ? where payment_id = ?",
        ((state, row["steps"], row["in_transit"], row["payment_id"]) for row in payments),
    )


def message(payments: Sequence[Row], ours: Row) -> str:
    """The batch as pain.001, by format strings."""
    first = payments[0]
    count, total = len(payments), _plain(sum(row["amount_minor"] for row in payments))
    sums = f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    head = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<Document xmlns="{PAIN_001}"><CstmrCdtTrfInitn><GrpHdr>'
        f"<MsgId>{first['batch_id']}</MsgId>"
        f"<CreDtTm>{first['batch_on']}T00:00:00Z</CreDtTm>{sums}"
        f"<InitgPty><Nm>{ours['debtor_name']}</Nm></InitgPty></GrpHdr><PmtInf>"
        f"<PmtInfId>{first['batch_id']}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<BtchBookg>false</BtchBookg>{sums}<ReqdExctnDt><Dt>{first['value_date']}</Dt>"
        f"</ReqdExctnDt><Dbtr><Nm>{ours['debtor_name']}</Nm><PstlAdr>"
        f"<TwnNm>{ours['debtor_town']}</TwnNm><Ctry>{ours['debtor_country']}</Ctry></PstlAdr>"
        f"</Dbtr><DbtrAcct><Id><IBAN>{first['account']}</IBAN></Id><Ccy>EUR</Ccy></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><BICFI>{ours['bic']}</BICFI></FinInstnId></DbtrAgt>"
    )
    return head + "".join(_transfers(payments)) + "</PmtInf></CstmrCdtTrfInitn></Document>"


def _transfers(payments: Sequence[Row]) -> Iterator[str]:
    for row in payments:
        yield (
            f"<CdtTrfTxInf><PmtId><InstrId>{row['payment_id'].replace('-', '')}</InstrId>"
            f"<EndToEndId>{row['end_to_end_id']}</EndToEndId><UETR>{row['uetr']}</UETR></PmtId>"
            f'<Amt><InstdAmt Ccy="EUR">{_plain(row["amount_minor"])}</InstdAmt></Amt>'
            f"<ChrgBr>SLEV</ChrgBr><Cdtr><Nm>{escape(row['beneficiary_name'])}</Nm><PstlAdr>"
            f"<TwnNm>{escape(row['beneficiary_town'])}</TwnNm>"
            f"<Ctry>{row['beneficiary_country']}</Ctry></PstlAdr></Cdtr>"
            f"<CdtrAcct><Id><IBAN>{row['beneficiary_account']}</IBAN></Id></CdtrAcct>"
            f"<Purp><Cd>{row['purpose']}</Cd></Purp>"
            f"<RmtInf><Ustrd>{escape(row['remittance_information'])}</Ustrd></RmtInf>"
            "</CdtTrfTxInf>"
        )


def _plain(amount_minor: int) -> str:
    return f"{amount_minor // 100}.{amount_minor % 100:02d}"
