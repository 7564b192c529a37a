"""An engine is named by a word, and a wrong one or a missing Java is said before any work."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from settle.engine import Engine, SparkEngine, engine_of
from settle.engine.spark import missing
from settle.errors import ConfigError


def test_duckdb_is_the_engine_without_a_word() -> None:
    """Nobody needs Java who did not ask for Spark."""
    assert isinstance(engine_of(), Engine)
    assert isinstance(engine_of("duckdb"), Engine)


@pytest.mark.parametrize(
    "spec",
    ["local", "local[2]", "local[*]", "local-cluster[2,1,1024]", "spark://host:7077",
     "spark://one:7077,two:7077"],
)  # fmt: skip
def test_a_spark_is_named_by_its_master(spec: str) -> None:
    """Naming it starts nothing."""
    assert isinstance(engine_of(spec), SparkEngine)


@pytest.mark.parametrize(
    "spec", ["", "spark", "duck", "spark://", "spark://host", "yarn", "local[x]"]
)
def test_another_word_is_refused_with_the_words_there_are(spec: str) -> None:
    """A wrong word names itself and the right ones."""
    with pytest.raises(ConfigError, match=r"neither duckdb nor a Spark: spark://host:port"):
        engine_of(spec)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, "is not there"),
        ("""echo 'openjdk version "11.0.2" 2019-01-15' >&2""", "is version 11"),
    ],
)
def test_an_old_or_missing_java_is_named_with_the_fix(
    script: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which Java was found, where, and what to do."""
    pytest.importorskip("pyspark")
    if script is not None:
        java = tmp_path / "bin" / "java"
        java.parent.mkdir()
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(java.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        ConfigError, match=rf"Java 17 or newer.*{why}; install it, or set JAVA_HOME"
    ):
        engine_of("local[1]").scratch().__enter__()


def test_a_missing_pyspark_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is in the message."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "Spark needs pyspark; pip install 'settle[spark]'" == missing()
