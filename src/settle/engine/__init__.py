"""Where columns are computed: DuckDB in process or Apache Spark, by the same named SQL views."""

from settle.engine.choice import engine_of
from settle.engine.duck import Engine, Scratch, parquet, read_views
from settle.engine.macros import MACROS
from settle.engine.portable import violations
from settle.engine.protocol import AnyEngine, AnyScratch
from settle.engine.spark import SparkEngine
from settle.engine.translation import for_spark

__all__ = [
    "MACROS",
    "AnyEngine",
    "AnyScratch",
    "Engine",
    "Scratch",
    "SparkEngine",
    "engine_of",
    "for_spark",
    "parquet",
    "read_views",
    "violations",
]
