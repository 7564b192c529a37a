"""A rail that gives its reports as JSON, for tests of what becomes of documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from settle.adapters import Adapter, Statement, StatementDocument, StatementLine
from settle.engine import Engine

Documents = Callable[..., StatementDocument]
Payments = Callable[..., pa.Table]


class Paper(Adapter[Any]):
    """Reads `{"opening": …, "closing": …, "lines": [[ref, amount, end_to_end_id], …]}`."""

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement as the test wrote it."""
        data = json.loads(document.content)
        return Statement(
            rail=document.rail,
            account=document.account,
            currency=document.currency,
            day=document.day,
            statement_ref=f"{document.account}/{document.day}",
            opening_minor=data["opening"],
            closing_minor=data["closing"],
            lines=tuple(
                StatementLine(
                    line_ref=ref,
                    amount_minor=amount_minor,
                    currency=document.currency,
                    booked_on=document.day,
                    value_on=document.day,
                    end_to_end_id=end_to_end_id,
                )
                for ref, amount_minor, end_to_end_id in data["lines"]
            ),
            complete=document.complete,
        )


@pytest.fixture
def paper() -> Paper:
    """The rail."""
    return Paper(None)


@pytest.fixture
def document() -> Documents:
    """Makes a document of the rail from its lines."""

    def make(
        *lines: tuple[str, int, str | None],
        day: date = date(2024, 12, 19),
        opening: int = 0,
        extra: int = 0,
        complete: bool = True,
    ) -> StatementDocument:
        closing = opening + sum(line[1] for line in lines) + extra
        content = json.dumps({"opening": opening, "closing": closing, "lines": lines})
        return StatementDocument(
            rail="paper",
            account="ACC",
            currency="EUR",
            day=day,
            format="paper",
            content=content.encode(),
            complete=complete,
        )

    return make


@pytest.fixture
def payments() -> Payments:
    """Makes the table of payments ever sent from (payment id, amount)."""

    def make(*sent: tuple[str, int]) -> pa.Table:
        texts = ("payment_id", "rail", "account", "currency", "end_to_end_id", "uetr", "batch_id",
                 "idempotency_key", "state", "beneficiary_name")  # fmt: skip
        schema = pa.schema(
            [
                *((name, pa.string()) for name in texts),
                ("amount_minor", pa.int64()),
                ("value_date", pa.date32()),
                ("released_on", pa.date32()),
            ]
        )
        rows = [
            {
                "payment_id": name, "rail": "paper", "account": "ACC", "currency": "EUR",
                "end_to_end_id": f"E-{name}", "uetr": f"U-{name}", "batch_id": None,
                "idempotency_key": f"K-{name}", "state": "accepted", "amount_minor": amount_minor,
                "value_date": date(2024, 12, 19), "released_on": date(2024, 12, 18),
            }
            for name, amount_minor in sent
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=schema)

    return make


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for a module's tests."""
    engine = Engine(threads=1)
    yield engine
    engine.close()
