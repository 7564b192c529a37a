"""The revisions, oldest first. Alembic runs them by path."""
