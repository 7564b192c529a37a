"""A window taken and closed for real, on a small input, and its files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from tests.properties.netting_world import DAY, RATES, terms

from settle.clearing import Agreements, Cutoff, Position, Rates, close, positions, take
from settle.clearing.fees import Fees
from settle.clearing.files import FilesWritten, write_files
from settle.engine import Engine
from settle.store import Store

INTAKE = pa.schema(
    {
        "record_id": pa.string(), "original_record_id": pa.string(),
        "participant_id": pa.string(), "agreement_id": pa.string(),
        "counterparty_id": pa.string(), "kind": pa.string(), "amount_minor": pa.int64(),
        "currency": pa.string(), "occurred_at": pa.timestamp("us", "UTC"),
        "reference": pa.string(),
    }
)  # fmt: skip
PARTNER = terms("P1", role="partner")
Row = Mapping[str, Any]


@dataclass
class House:
    """A store with its lake, and the terms that hold in it."""

    store: Store
    engine: Engine
    root: Path
    agreements: Agreements
    fees: Fees
    rates: Rates = RATES

    @property
    def where(self) -> dict[str, Any]:
        return {"store": self.store, "engine": self.engine, "lake": self.root / "lake"}

    def take(self, records: Sequence[Row], *, day: date = DAY) -> None:
        if records:
            take(
                pa.Table.from_pylist([dict(row) for row in records], schema=INTAKE), name="batch",
                received_at=Cutoff().ends_at(day), agreements=self.agreements, cutoff=Cutoff(),
                **self.where,
            )  # fmt: skip

    def close(self, day: date = DAY) -> None:
        close(
            day, as_of=Cutoff().ends_at(day) + timedelta(hours=9), agreements=self.agreements,
            rates=self.rates, fees=self.fees, cutoff=Cutoff(), **self.where,
        )  # fmt: skip

    def write(self, *agreement_ids: str, out: str = "out", **other: Any) -> FilesWritten:
        return write_files(
            DAY, out=self.root / out, rates=self.rates, agreement_ids=agreement_ids,
            **self.where, **other,
        )  # fmt: skip

    def positions(self) -> Sequence[Position]:
        with self.store.reading() as connection:
            return positions(connection, DAY.isoformat())


Houses = Callable[..., Any]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine(threads=1)
    yield made
    made.close()


@pytest.fixture(scope="session")
def houses(sqlite_template: Path, engine: Engine) -> Houses:
    """Opens a house of its own, gone at the end."""

    @contextmanager
    def opened(merchants: Sequence[Row], fees: Sequence[Row] = ()) -> Iterator[House]:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copyfile(sqlite_template, root / "settle.db")
            store = Store.open(f"sqlite:///{root / 'settle.db'}")
            schedules = Fees.of(pa.Table.from_pylist([*map(dict, fees)])) if fees else Fees.none()
            rows = [dict(row) for row in merchants]
            yield House(store, engine, root, Agreements.of(pa.Table.from_pylist(rows)), schedules)
            store.close()

    return opened
