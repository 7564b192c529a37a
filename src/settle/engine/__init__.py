"""Where columns are computed: DuckDB in process or Apache Spark, by the same named SQL views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settle.names import lazily

if TYPE_CHECKING:
    from settle.engine.choice import engine_of
    from settle.engine.duck import Engine, Scratch, read_views
    from settle.engine.macros import MACROS
    from settle.engine.paths import parquet
    from settle.engine.portable import violations
    from settle.engine.protocol import AnyEngine, AnyScratch, Compression
    from settle.engine.spark import SparkEngine
    from settle.engine.spark_scratch import SparkScratch
    from settle.engine.translation import for_spark

__all__ = [
    "MACROS",
    "AnyEngine",
    "AnyScratch",
    "Compression",
    "Engine",
    "Scratch",
    "SparkEngine",
    "SparkScratch",
    "engine_of",
    "for_spark",
    "parquet",
    "read_views",
    "violations",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "MACROS": "settle.engine.macros",
        "AnyEngine": "settle.engine.protocol",
        "AnyScratch": "settle.engine.protocol",
        "Compression": "settle.engine.protocol",
        "Engine": "settle.engine.duck",
        "Scratch": "settle.engine.duck",
        "SparkEngine": "settle.engine.spark",
        "SparkScratch": "settle.engine.spark_scratch",
        "engine_of": "settle.engine.choice",
        "for_spark": "settle.engine.translation",
        "parquet": "settle.engine.paths",
        "read_views": "settle.engine.duck",
        "violations": "settle.engine.portable",
    },
)
