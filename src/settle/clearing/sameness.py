"""Proving that a window which is netted anew is the one that was closed.

Its records, its files and its rates are held against what the store has of the outcome that
stands. What is other than it was is refused by name: it would change what nobody asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.closings import Closing
from settle.clearing.netting import Netted
from settle.clearing.position import stored_buckets
from settle.engine import Scratch
from settle.errors import BadInput
from settle.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the store has of an outcome: its buckets, and records and file of each batch."""

    closing: Closing
    buckets: pa.Table
    records: Mapping[str, int]
    files: Mapping[str, str]

    @classmethod
    def of(cls, connection: Connection, closing: Closing) -> Settled:
        """The outcome of a window that stands."""
        table = tables.manifests.c
        query = sa.select(table.batch_id, table.records, table.digest)
        rows = connection.execute(query.where(table.window_id == closing.window_id)).all()
        return cls(
            closing=closing,
            buckets=arrow(connection, stored_buckets(closing.window_id)),
            records={row.batch_id: row.records for row in rows if row.records},
            files={row.batch_id: row.digest for row in rows},
        )

    def prove(self, scratch: Scratch) -> None:
        """But for who is named anew, the records and the rates are those that were settled.

        Raises:
            BadInput: they are not; the message says what was probably changed.
        """
        import pyarrow as pa

        failed = pa.array(self.closing.failed, pa.string())
        scratch.give("failed_before", pa.table({"participant_id": failed}))
        rows = scratch.rows(_DUE).to_pylist()
        found = {row["batch_id"]: row["records"] for row in rows}
        if found != self.records or sum(row["late"] for row in rows) != self.closing.late:
            raise self._changed("its records do not fall into it as they did: was its zone other?")
        scratch.give("buckets_before", self.buckets)
        for row in scratch.rows(_RATES).to_pylist():
            name, currency = row["agreement_id"], row["currency"]
            raise self._changed(
                f"agreement {name!r}: {currency} was converted otherwise at the same rate, as it "
                "was before amounts were converted by both legs of one"
                if row["is_older"]
                else f"agreement {name!r} had another rate of {currency}: put back the rates that "
                "it was closed under"
            )

    def prove_files(self, batches: Sequence[Mapping[str, Any]]) -> None:
        """The records lie in the lake as they did.

        Raises:
            BadInput: a file is not what it was.
        """
        for batch in batches:
            name = batch["batch_id"]
            if self.files.get(name) != batch["digest"]:
                raise self._changed(f"the accepted file of batch {name} is not what it was")

    def touched(self, netted: Netted) -> Collection[str]:
        """The agreements that have other records or other buckets now."""
        key = ("agreement_id", "part", "settlement_currency", "currency", "rate_id")
        amounts = ("records", "net_minor", "converted_minor")
        before, after = (
            {tuple(row[name] for name in (*key, *amounts)) for row in _rows(table, key, amounts)}
            for table in (self.buckets, netted.buckets)
        )
        return {row[0] for row in before ^ after}

    def _changed(self, why: str) -> BadInput:
        window_id = self.closing.window_id
        return BadInput(f"window {window_id} cannot be unwound: {why}", window_id=window_id)


def _rows(table: pa.Table, key: Sequence[str], amounts: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select([*key, *amounts]).to_pylist()
    return rows


_DUE = """select
    s.batch_id, count(*) as records, count(*) filter (where s.settles_in < c.window_id) as late
from sifted as s
cross join closing as c
left join agents as g on g.agreement_id = s.agreement_id
where s.settles_in <= c.window_id
    and (
        g.agreement_id is null
        or (
            s.participant_id not in (select participant_id from failed_before)
            and coalesce(s.counterparty_id, '') not in (select participant_id from failed_before)
        )
    )
group by s.batch_id"""
"""What the window had of each batch before anybody else was named."""

_RATES = """select
    v.agreement_id, v.currency,
    coalesce(
        b.mid_e8 = v.mid_e8 and b.client_e8 = v.client_e8
            and b.converted_minor <> v.converted_minor,
        false
    ) as is_older
from converted as v
left join buckets_before as b
    on b.agreement_id = v.agreement_id
    and b.part = v.part
    and b.settlement_currency = v.settlement_currency
    and b.currency = v.currency
    and b.rate_id = v.rate_id
where b.agreement_id is null
    or b.mid_e8 <> v.mid_e8
    or b.client_e8 <> v.client_e8
    or (
        b.records = v.records
        and b.net_minor = v.net_minor
        and (b.converted_minor <> v.converted_minor or b.fx_result_minor <> v.fx_result_minor)
    )
order by 1, 2 limit 1"""
"""A bucket that was not there, is of another rate, or came to something else by itself."""
