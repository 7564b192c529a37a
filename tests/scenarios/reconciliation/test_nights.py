"""Nights of reconciliation as text: each event on a line, with the answer that is expected."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from settle.adapters import Adapter, Evidence, Fact, Statement, StatementDocument, StatementLine
from settle.adapters.statement import LineKind
from settle.engine import Engine
from settle.ledger import Posting, accounts, balances, nostro_against_statements, post
from settle.money import to_minor
from settle.reconciliation import (
    Matched,
    all_breaks,
    closings,
    confirm,
    keep,
    match,
    open_breaks,
    refresh,
    unconfirmed,
)
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines
from settle.store import Store

TABLE = Path(__file__).with_name("nights.txt")
VALUE_DATE = date(2024, 12, 19)


def scenarios() -> Iterator[Any]:
    """The scenarios of the table, by title."""
    title, events = "", list[str]()
    for text in [*TABLE.read_text(encoding="utf-8").splitlines(), "="]:
        if text.startswith("="):
            if events:
                yield pytest.param(tuple(events), id=title)
            title, events = text[1:].strip(), []
        elif text.strip() and not text.startswith("#"):
            events.append(text)


class Paper(Adapter[Any]):
    """A rail that gives its reports as JSON of `StatementLine` fields."""

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement as the scenario wrote it."""
        data = json.loads(document.content)
        lines = tuple(
            StatementLine(
                **{
                    **line,
                    "booked_on": document.day,
                    "value_on": document.day,
                    "kind": LineKind(line["kind"]),
                }
            )
            for line in data["lines"]
        )
        return Statement(
            rail=document.rail,
            account=document.account,
            currency=document.currency,
            day=document.day,
            statement_ref=f"{document.account}/{document.day}",
            opening_minor=data["opening"],
            closing_minor=data["closing"],
            lines=lines,
            complete=document.complete,
        )


class World:
    """One scenario being played: its payments, the lines since last night, and the store."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine = store, engine
        self.payments: dict[str, dict[str, Any]] = {}
        self.lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.balance: dict[tuple[str, str], int] = defaultdict(int)
        self.expected: dict[str, str] = {}
        self.odd: dict[str, tuple[str, int]] = {}
        self.nights = 0

    def play(self, event: str) -> None:
        """Do what one line of the table says."""
        given, _, expected = event.partition("->")
        verb, *words = shlex.split(given)
        options = dict(word.split("=", 1) for word in words if "=" in word)
        getattr(self, f"on_{verb}")([w for w in words if "=" not in w], options, expected.strip())

    def on_payment(self, words: Sequence[str], options: dict[str, str], _: str) -> None:
        name, currency, amount = words
        self.payments[name] = {
            "payment_id": name,
            "rail": "paper",
            "account": options.get("account", f"ACC-{currency}"),
            "currency": currency,
            "amount_minor": to_minor(amount, currency),
            "end_to_end_id": f"E-{name}",
            "uetr": f"U-{name}",
            "batch_id": options.get("batch"),
            "idempotency_key": f"K-{name}",
            "state": options.get("state", "accepted"),
            "value_date": date.fromisoformat(options.get("value", VALUE_DATE.isoformat())),
            "released_on": date(2024, 12, 18),
            "beneficiary_name": options.get("name"),
        }

    def on_line(self, words: Sequence[str], options: dict[str, str], expected: str) -> None:
        name, currency, amount = words
        self.expected[name] = expected
        where = (options.get("account", f"ACC-{currency}"), currency)
        self.lines[where].append(
            {
                "line_ref": name,
                "amount_minor": to_minor(amount, currency),
                "currency": currency,
                "kind": options.get("kind", "transfer"),
                "end_to_end_id": options.get("e2e"),
                "uetr": options.get("uetr"),
                "batch_id": options.get("batch"),
                "batch_count": int(options.get("count", "1")),
                "charges_minor": to_minor(options.get("charges", "0"), currency),
                "return_code": options.get("code"),
                "counterparty": options.get("party", ""),
                "remittance_information": options.get("text", ""),
                "references": {"own": options["other"]} if "other" in options else {},
            }
        )

    def on_later(self, words: Sequence[str], _: dict[str, str], expected: str) -> None:
        self.expected[words[0]] = expected

    def on_decided(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        self.payments[words[0]]["state"] = "accepted"

    def on_unbalanced(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        self.odd[words[0]] = ("unbalanced", to_minor(words[1], words[0]))

    def on_absent(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        self.odd[words[0]] = ("absent", 0)

    def on_unreadable(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        self.odd[words[0]] = ("unreadable", 0)

    def on_late(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        where = (f"ACC-{words[0]}", words[0])
        self.keep(where, date.fromisoformat(words[1]), [], closing=self.balance[where])

    def on_cured(self, words: Sequence[str], _: dict[str, str], __: str) -> None:
        with self.store.reading() as connection:
            cured = [found for found in all_breaks(connection) if found.cured_on is not None]
        names = self.names()
        assert sorted(words) == sorted(f"{b.kind}:{names(b.subject)}" for b in cured)

    def on_night(self, words: Sequence[str], _: dict[str, str], expected: str) -> None:
        """One night: keep, match, crash, match, record, refresh, prove."""
        self.nights += 1
        day = date.fromisoformat(words[0])
        where = {*self.lines, *self.balance, *((f"ACC-{c}", c) for c in self.odd)}
        where |= {(p["account"], p["currency"]) for p in self.payments.values()}
        for account in sorted(where):
            self.keep_day(account, day)
        self.lines.clear()
        self.odd.clear()
        self.record(self.matched(day), day)
        self.check_lines()
        self.check_breaks(day, expected)
        self.check_suspense()

    def keep_day(self, where: tuple[str, str], day: date) -> None:
        lines = self.lines.get(where, [])
        odd, extra = self.odd.get(where[1], ("", 0))
        closing = self.balance[where] + sum(line["amount_minor"] for line in lines) + extra
        if odd == "absent":
            return
        if odd == "unreadable":
            self.keep(where, day, lines, closing=closing, content=b"<not json")
            return
        self.keep(where, day, lines, closing=closing)
        self.balance[where] = closing

    def keep(
        self,
        where: tuple[str, str],
        day: date,
        lines: list[dict[str, Any]],
        *,
        closing: int,
        content: bytes = b"",
    ) -> None:
        data = {"opening": self.balance[where], "closing": closing, "lines": lines}
        document = StatementDocument(
            rail="paper",
            account=where[0],
            currency=where[1],
            day=day,
            format="paper",
            content=content or json.dumps(data).encode(),
        )
        at = datetime(2025, 1, 31, self.nights, tzinfo=UTC)  # when every day is over
        keep(self.store, document, adapter=Paper(None), received_at=at)
        again = keep(self.store, document, adapter=Paper(None), received_at=at)
        assert again.lines_new == 0

    def matched(self, day: date) -> Matched:
        """Match, crash before anything is recorded, and match again."""
        at = datetime(2024, 12, 19, tzinfo=UTC)
        first = match(self.store, self.engine, payments=self.table(), day=day, as_of=at)
        again = match(self.store, self.engine, payments=self.table(), day=day, as_of=at)
        assert first.evidence == again.evidence
        assert again.matches == ()
        return again

    def record(self, found: Matched, day: date) -> None:
        """Stand in for the door for evidence: states and postings, then the confirmation."""
        at = datetime(2024, 12, 19, tzinfo=UTC)
        rows: list[Posting] = []
        for evidence in found.evidence:
            payment = self.payments[evidence.reference]
            payment["state"] = evidence.fact.value
            rows += self.postings(evidence, payment, day)
        with self.store.transaction() as connection:
            post(connection, rows, recorded_at=at)
        names = [evidence.evidence_id for evidence in found.evidence]
        assert len(names) == confirm(self.store, names, at=at)
        with self.store.reading() as connection:
            assert not unconfirmed(connection)

    def postings(self, evidence: Evidence, payment: dict[str, Any], day: date) -> Iterator[Posting]:
        nostro = accounts.nostro(evidence.rail, evidence.account or "")
        back = evidence.fact is Fact.RETURNED
        moved = {
            "event": evidence.fact.value,
            "subject": payment["payment_id"],
            "posted_on": day,
            "currency": payment["currency"],
        }
        yield Posting(
            **moved,
            row="1",
            debit=nostro if back else accounts.in_transit("paper"),
            credit=accounts.returned("A-1") if back else nostro,
            amount_minor=evidence.amount_minor or 0,
        )

    def check_lines(self) -> None:
        assert {name: self.expected[name] for name in self.outcomes()} == self.outcomes()
        assert set(self.expected) >= set(self.outcomes())

    def outcomes(self) -> dict[str, str]:
        """What was made of every line, in the words of the table."""
        line, outcome, share = statement_lines.c, line_outcomes.c, line_payments.c
        with self.store.reading() as connection:
            payments = defaultdict(list)
            rows = connection.execute(sa.select(share.line_id, share.payment_id))
            for line_id, payment_id in sorted(tuple(row) for row in rows):
                payments[line_id].append(payment_id)
            query = sa.select(
                line.line_ref, line.line_id, outcome["pass"], outcome.contra, outcome.break_kind
            ).join(line_outcomes, outcome.line_id == line.line_id)
            return {
                ref: " ".join([name, *([contra] if contra else payments[line_id])])
                if name
                else kind
                for ref, line_id, name, contra, kind in connection.execute(query)
            }

    def check_breaks(self, day: date, expected: str) -> None:
        at = datetime(2024, 12, 19, tzinfo=UTC)
        refresh(self.store, day=day, as_of=at, payments=self.table())
        again = refresh(self.store, day=day, as_of=at, payments=self.table())
        assert not again.opened
        assert not again.cured
        names = self.names()
        with self.store.reading() as connection:
            found = [f"{b.kind}:{names(b.subject)}" for b in open_breaks(connection)]
        assert sorted(set(expected.split()) - {"none"}) == sorted(found)

    def check_suspense(self) -> None:
        """Suspense is the sum of the open lines, and nostro is what the statements say."""
        line, outcome = statement_lines.c, line_outcomes.c
        query = (
            sa.select(line.currency, sa.func.sum(line.amount_minor))
            .join(line_outcomes, outcome.line_id == line.line_id)
            .where(outcome.matched_on.is_(None))
            .group_by(line.currency)
        )
        with self.store.reading() as connection:
            open_lines = {currency: int(total) for currency, total in connection.execute(query)}
            found = balances(connection)
            proofs = nostro_against_statements(found, closings(connection))
        suspense = {
            b.currency: -b.balance_minor
            for b in found
            if b.account == "suspense" and (b.balance_minor or b.currency in open_lines)
        }
        assert open_lines == suspense
        if not any(found.kind == "statement_does_not_balance" for found in self.breaks()):
            assert all(proof.holds for proof in proofs)

    def breaks(self) -> list[Any]:
        with self.store.reading() as connection:
            return open_breaks(connection)

    def names(self) -> Any:
        """From a break's subject to the short name that the table uses."""
        line = statement_lines.c
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(line.line_id, line.line_ref))
            refs = {row.line_id: row.line_ref for row in rows}

        def short(subject: str) -> str:
            _, _, tail = subject.partition("/ACC-")
            parts = tail.split("/")
            return "/".join([parts[0], *parts[2:]]) if tail else refs.get(subject, subject)

        return short

    def table(self) -> pa.Table:
        names = (
            "payment_id", "rail", "account", "currency", "end_to_end_id", "uetr", "batch_id",
            "idempotency_key", "state", "beneficiary_name",
        )  # fmt: skip
        schema = pa.schema(
            [
                *((name, pa.string()) for name in names),
                ("amount_minor", pa.int64()),
                ("value_date", pa.date32()),
                ("released_on", pa.date32()),
            ]
        )
        return pa.Table.from_pylist(list(self.payments.values()), schema=schema)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all scenarios."""
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.mark.parametrize("events", list(scenarios()))
def test_the_night_answers_as_the_table_says(
    store: Store, engine: Engine, events: tuple[str, ...]
) -> None:
    """Every event of the scenario has the answer that stands beside it."""
    world = World(store, engine)
    for event in events:
        world.play(event)
