"""Which engine a word asks for: `duckdb`, or the address of a Spark."""

from __future__ import annotations

import re
from pathlib import Path

from settle.engine.duck import Engine
from settle.engine.protocol import AnyEngine
from settle.errors import ConfigError

SPARK_MASTER = re.compile(
    r"local(\[(\d+|\*)\])?|local-cluster\[\d+,\d+,\d+\]|spark://[^\s/:]+:\d+(,[^\s/:]+:\d+)*"
)


def engine_of(
    spec: str = "duckdb", *, temp: Path | None = None, memory: str = "", threads: int = 0
) -> AnyEngine:
    """The engine named: `duckdb`, `spark://host:port`, `local[2]`, `local-cluster[2,1,1024]`.

    `temp`: where DuckDB spills, and through which Spark's workers exchange files: on a cluster
    all of them must see it. Nothing is started here.

    Raises:
        ConfigError: it is none of these.
    """
    if spec == "duckdb":
        return Engine(temp=temp, memory=memory, threads=threads)
    if SPARK_MASTER.fullmatch(spec):
        from settle.engine.spark import SparkEngine

        return SparkEngine(spec, temp=temp, memory=memory, threads=threads)
    raise ConfigError(
        f"engine: {spec!r} is neither duckdb nor a Spark: spark://host:port, local[2] or "
        "local-cluster[2,1,1024]",
        field="engine",
    )
