"""One Spark for all of these tests, for it takes seconds to start; a cluster of two in the soak."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from settle.engine import Engine, SparkEngine
from settle.engine.spark import missing

HERE = Path(__file__).parent
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a short life is spent compiling: half the time
MASTER = "local-cluster[2,1,1024]" if os.environ.get("SETTLE_SOAK") else "local[2]"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run in one process, and none is hurried by the start of Spark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("spark"))
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """A Spark of this session, or a skip that says what the machine lacks."""
    if lacking := missing():
        pytest.skip(lacking)
    engine = SparkEngine(
        MASTER,
        temp=tmp_path_factory.mktemp("spark"),
        memory="1g",
        threads=2,
        settings={"spark.driver.extraJavaOptions": QUICK, "spark.driver.host": "127.0.0.1"},
    )
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def duck() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="session", params=["duck", "spark"])
def either(request: pytest.FixtureRequest) -> Engine | SparkEngine:
    """Each engine in turn."""
    engine: Engine | SparkEngine = request.getfixturevalue(request.param)
    return engine


@pytest.fixture(scope="session")
def many() -> Callable[[st.SearchStrategy[Any], int], list[Any]]:
    """As many examples as asked for, drawn one by one, to be computed in one query.

    One example that is a long list would be the simplest one: the same number over and over.
    """
    return _many


def _many(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(example=strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found
