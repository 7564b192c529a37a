"""What somebody writes on Spark who needs only the sums: one statement of SQL over the files.

The session is what exactness needs (ANSI, UTC), and otherwise Spark's own; no record is checked.

    python benchmarks/by_hand_spark.py --out positions records-*.parquet
"""

from __future__ import annotations

import argparse

from by_hand import GROUP
from pyspark.sql import SparkSession


def main() -> None:
    """Run the statement and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="4g")
    options = parser.parse_args()
    session = (
        SparkSession.builder.master(options.master)
        .config("spark.driver.memory", options.memory)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.read.parquet(*options.files).createOrReplaceTempView("records")
    session.sql(GROUP.format(source="records")).write.mode("overwrite").parquet(options.out)
    session.stop()


if __name__ == "__main__":
    main()
