"""The schema that the revisions make is the schema that the rooms declare."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from settle.errors import ConfigError
from settle.store import Store, metadata, migrations

ROOMS = ("clearing", "hub", "ledger", "payments", "reconciliation")
OPEN = "import sys; from settle.store import Store; Store.open(sys.argv[1]).close()"


def test_revisions_make_what_the_rooms_declare(empty_store_url: str) -> None:
    """A column added to a room without a revision is found here, on each database."""
    for room in ROOMS:
        import_module(f"settle.{room}.tables")
    store = Store.open(empty_store_url)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    store.close()


def test_opening_a_current_store_changes_nothing(empty_store_url: str) -> None:
    """Opening is something every command does, every night."""
    Store.open(empty_store_url).close()
    before = tables(empty_store_url)
    Store.open(empty_store_url).close()
    assert before == tables(empty_store_url)
    assert "alembic_version" in before


def test_two_processes_may_open_a_new_store_at_once(empty_store_url: str) -> None:
    """Workers that start together do not trip over each other's upgrade."""
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN, empty_store_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    ends = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ends] == [0, 0, 0], ends


def test_a_store_of_a_newer_settle_is_refused_and_left_as_it_is(store_url: str) -> None:
    """It may mean otherwise what this one would read and write."""
    store = Store.open(store_url)
    with store.transaction() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    store.close()
    with pytest.raises(ConfigError, match="9999, which is of a newer settle"):
        Store.open(store_url)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    """Another file, or one that was damaged, is one line and no bug."""
    (tmp_path / "settle.db").write_bytes(b"record_id,amount\n" * 99)
    with pytest.raises(ConfigError, match="file is not a database"):
        Store.open(f"sqlite:///{tmp_path / 'settle.db'}")


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "nonsense", "sqlite:////no/such/folder/settle.db", "postgresql://@:1/x"]
)
def test_a_store_that_is_no_database_is_refused_by_name(url: str) -> None:
    """A mistake in the store's URL names the key and says what is wrong with it."""
    with pytest.raises(ConfigError, match="store: "):
        Store.open(url)


def tables(url: str) -> list[str]:
    """The tables that are there."""
    store = Store.open(url)
    names = sorted(sa.inspect(store.engine).get_table_names())
    store.close()
    return names


def test_the_newest_revision_is_the_head_of_the_history() -> None:
    """It is known by the names of the files, without reading them; Alembic reads them all."""
    from alembic.script import ScriptDirectory

    history = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert history.get_current_head() == migrations.newest()
    for path in (Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"):
        assert path.name[:4] == history.get_revision(path.name[:4]).revision


def test_a_current_store_is_opened_without_alembic(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading its revisions took longer than all else in opening a store."""
    from alembic import command

    monkeypatch.setattr(command, "upgrade", lambda *_: pytest.fail("it is current"))
    Store.open(store_url).close()
