"""The terms a window was closed under: kept in the lake, for whoever counts it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.fees import Fees
from settle.clearing.lake import Lake
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTerms:
    """The agreements and the fees of one closed window, whatever they are by now."""

    agreements: Agreements
    fees: Fees

    @classmethod
    def of(cls, connection: Connection, *, window_id: str, lake: Lake) -> KeptTerms:
        """The terms of a window. This reads them by the digests that its close wrote.

        Raises:
            BadInput: it is not closed, or its terms are not in the lake.
        """
        table = tables.windows.c
        query = sa.select(table.agreements_digest, table.fees_digest)
        row = connection.execute(query.where(table.window_id == window_id)).one_or_none()
        if row is None:
            raise BadInput(f"window {window_id} is not closed", window_id=window_id)
        if row.agreements_digest is None:
            raise BadInput(f"the terms of window {window_id} were not kept", window_id=window_id)
        fees = lake.terms(row.fees_digest)
        return cls(
            agreements=Agreements(kept(lake.terms(row.agreements_digest))),
            # A close without schedules writes no file of them.
            fees=Fees(kept(fees)) if fees.is_file() else Fees.none(),
        )


def kept(path: Path) -> pa.Table:
    """A file of the lake that names and counts something. This is small, so it is read whole.

    Raises:
        BadInput: it is missing.
    """
    from pyarrow import parquet

    if not path.is_file():
        raise BadInput(f"{path} is missing; put it back from a backup", file=str(path))
    return parquet.ParquetFile(path).read()
