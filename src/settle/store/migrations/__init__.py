"""The schema's history, applied by Alembic when a store is opened. It imports no room."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Engine


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
