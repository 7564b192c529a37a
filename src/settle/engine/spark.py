"""Apache Spark 4, where the data outgrows one machine: the same views, the same figures.

This starts the application and ends it; `settle.engine.spark_scratch` computes in it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from settle.engine.spark_scratch import SparkScratch
from settle.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_MIN = 17

EXACT = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
"""Without the first sums wrap and casts give null; without the second days differ by machine."""

SETTINGS = {
    **EXACT,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # what goes wrong is raised here, and once
    "spark.sql.catalogImplementation": "in-memory",
    # Sums of 10 million records took three quarters of the time that they took under Java's own
    # collector, which is for short pauses.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # by itself it writes INT96
}
"""What a Spark of ours is started with."""

_starting = threading.Lock()


class SparkEngine:
    """Spark, started when first used. This is one application, which ends with `close`.

    `master`: `local[2]`, `local-cluster[2,1,1024]`, `spark://host:port`. `temp`: a folder for
    what is exchanged, which every worker must see. `settings`: more of Spark's own, by name.

    Raises:
        ConfigError: at the first use, Java 17 or pyspark is missing, the master does not
            answer, or another application runs in this process; the message names the fix.
    """

    def __init__(
        self, master: str, *, temp: Path | None = None, memory: str = "", threads: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._master = master
        self._temp = temp
        self._settings = {**SETTINGS, **(settings or {})}
        if memory:
            self._settings["spark.driver.memory"] = _java_memory(memory)
        if threads:
            self._settings["spark.sql.shuffle.partitions"] = str(threads)
        self._session: SparkSession | None = None

    @contextmanager
    def scratch(self) -> Iterator[SparkScratch]:
        """A space for tables of one computation. This forgets them at its end."""
        session = self._started().newSession()
        for name, setting in EXACT.items():
            session.conf.set(name, setting)
        folder = Path(tempfile.mkdtemp(prefix="settle-spark-", dir=self._temp))
        try:
            yield SparkScratch(session, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the application and give its memory back. This may be called more than once."""
        if self._session is not None:
            self._session.stop()
            self._session = None

    def _started(self) -> SparkSession:
        with _starting:
            if self._session is None:
                self._session = _start(self._master, self._settings)
            return self._session


def _java_memory(said: str) -> str:
    """An amount such as `4GB` or `512 MiB` as Java takes it, who would not start for the former."""
    found = re.fullmatch(r"(\d+)\s*([kmgt])(i?b)?", said.strip().lower())
    if found is None:
        raise ConfigError(
            f"memory: {said!r} is not a whole number of KB, MB, GB or TB, such as 4GB",
            field="memory",
        )
    return f"{found[1]}{found[2]}"


def missing() -> str | None:
    """What this machine lacks for Spark, and how to get it. This is None where all is there."""
    if importlib.util.find_spec("pyspark") is None:
        return "Spark needs pyspark; pip install 'settle[spark]'"
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else "java"  # as Spark looks for it
    version = _java_version(java)
    if version >= JAVA_MIN:
        return None
    found = f"is version {version}" if version else "is not there"
    return (
        f"Spark needs Java {JAVA_MIN} or newer, and {java!r} {found}; install it, or set JAVA_HOME"
    )


def _java_version(java: str) -> int:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  # the user's own Java
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0


def _start(master: str, settings: Mapping[str, str]) -> SparkSession:
    lacking = missing()
    if lacking:
        raise ConfigError(f"engine: {lacking}", field="engine")
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:  # noqa: SLF001  # there is no other way to ask
        raise ConfigError(
            "engine: a Spark application runs in this process already; end it first",
            field="engine",
        )
    logging.getLogger("SQLQueryContextLogger").disabled = True  # it prints what is raised
    builder = SparkSession.builder.master(master).appName("settle")
    for name, setting in settings.items():
        builder = builder.config(name, setting)
    return _answering(builder, master=master)


def _answering(builder: SparkSession.Builder, *, master: str) -> SparkSession:
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # it ships none
    from pyspark.errors import PySparkException

    try:
        return builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        why = str(error).splitlines()[0]
        raise ConfigError(
            f"engine: no Spark at {master!r}: {why}", field="engine", master=master
        ) from error
