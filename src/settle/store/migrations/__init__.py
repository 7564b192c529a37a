"""The schema's history, applied by Alembic when a store is opened. It imports no room."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from settle.errors import ConfigError


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision. This changes nothing on a current one.

    Raises:
        ConfigError: a newer settle has been at it.
    """
    with engine.connect() as connection:
        found = _revisions(connection)
    if found == [newest()]:
        return
    if unknown := [each for each in found if not knows(each)]:
        raise ConfigError(
            f"store: its schema is {unknown[0]}, which is of a newer settle; this one knows "
            f"{newest()}, and changes nothing",
            key="settle.store",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


@cache
def newest() -> str:
    """The newest revision, by the names of their files: Alembic reads and runs every one."""
    return max(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))[:4]


def _revisions(connection: Connection) -> list[str]:
    """What the database says that it is at; nothing where it has no schema."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return []
    return list(connection.scalars(sa.text("select version_num from alembic_version")))


def knows(revision: str) -> bool:
    """Whether this library can go on from a revision; a newer one made it otherwise."""
    from alembic.script import ScriptDirectory

    known = ScriptDirectory(str(Path(__file__).parent)).walk_revisions()
    return revision in {each.revision for each in known}


def upgrade_to(engine: Engine, revision: str) -> None:
    """Bring an empty database to a revision."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)


def revision_of(connection: Connection) -> str:
    """The revision that a database is at; blank for one without a schema."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""
