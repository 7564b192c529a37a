"""The schema's history, applied by Alembic when a store is opened. It imports no room."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection, Engine


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision. This changes nothing on a current one."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == ScriptDirectory.from_config(config).get_current_head():
        return
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


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
