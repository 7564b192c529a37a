"""One Spark for all of these tests, for it takes seconds to start; a cluster of two in the soak.

What hangs on how much is computed asks for `size`, which is small in the gate and full in the
soak: such a test is marked by that, and `make soak` runs it again. All sizes are here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from tests.properties.together import drawn

from settle.engine import Engine, SparkEngine
from settle.engine.spark import missing

HERE = Path(__file__).parent
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a short life is spent compiling: half the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is computed. `numbers` and `records` of a query, `worlds` netted as one.

    A query costs Spark a second and its rows next to nothing: much a query, and few queries.
    """

    master: str
    settings: Mapping[str, str]
    numbers: int
    records: int
    worlds: int
    is_full: bool


INTERPRETED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""What Spark does about plans is for many rows: with few it takes 40% of the time."""

SMALL = Size(
    master="local[2]", settings=INTERPRETED, numbers=300, records=300, worlds=40, is_full=False
)
FULL = Size(
    master="local-cluster[2,1,1024]", settings={}, numbers=20_000, records=20_000, worlds=400,
    is_full=True,
)  # fmt: skip
SIZE = FULL if os.environ.get("SETTLE_SOAK") else SMALL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run in one process, and none is hurried by the start of Spark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("spark"))
            item.add_marker(pytest.mark.timeout(1800 if SIZE.is_full else 900))
            if "size" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.soak)


@pytest.fixture(scope="session")
def size() -> Size:
    """How much this run computes. Who asks for it is part of the soak."""
    return SIZE


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """A Spark of this session, or a skip that says what the machine lacks."""
    if lacking := missing():
        pytest.skip(lacking)
    engine = SparkEngine(
        SIZE.master,
        temp=tmp_path_factory.mktemp("spark"),
        memory="1g",
        threads=2,
        settings={
            "spark.driver.extraJavaOptions": QUICK,
            "spark.driver.host": "127.0.0.1",
            **SIZE.settings,
        },
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
    return drawn
