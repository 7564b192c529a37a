"""What every engine does, whichever it is: the types that computations are written to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa


Compression: TypeAlias = Literal["zstd", "snappy"]
"""How a file is packed: small, for what is kept; or quickly, as every reader of Parquet reads."""


class AnyScratch(Protocol):
    """Named tables of one computation. This speaks DuckDB's dialect, whatever engine is under it.

    Every method that computes raises MoneyError where a figure does not fit; none wraps. An
    engine that puts work off raises it later, at `write`, `rows` or `value`.
    """

    def give(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known as `name`."""

    def read(
        self, name: str, paths: Sequence[Path], *, columns: Mapping[str, str], where: str = ""
    ) -> None:
        """Make Parquet files of one shape known as `name`; none gives an empty table."""

    def step(self, name: str, query: str) -> None:
        """Make a query known as `name`, computed once however often it is used."""

    def view(self, name: str, query: str) -> None:
        """Make a query known as `name`, computed anew where it is used. This keeps no rows."""

    def steps(self, views: Mapping[str, str], *, lazy: Collection[str] = ()) -> None:
        """Each named query in order: a view where it is among the `lazy`, else a step."""

    def take(self, name: str, query: str, *, of: AnyScratch) -> None:
        """Make the result of a query of another scratch space known as `name`."""

    def write(self, query: str, path: Path, *, compression: Compression = "zstd") -> None:
        """Write the result of a query as one Parquet file. This holds no table in memory."""

    def rows(self, query: str) -> pa.Table:
        """The result of a query as an Arrow table."""

    def value(self, query: str) -> Any:
        """The one value of a query's one row."""


class AnyEngine(Protocol):
    """Where columns are computed. This starts when it is first used."""

    def scratch(self) -> AbstractContextManager[AnyScratch]:
        """A space for tables of one computation, forgotten at its end."""

    def close(self) -> None:
        """Give the memory back. This may be called more than once."""
