"""Where columns are computed: DuckDB in process, with named SQL views read from files."""

from settle.engine.duck import Engine, Scratch, read_views
from settle.engine.macros import MACROS
from settle.engine.portable import violations

__all__ = ["MACROS", "Engine", "Scratch", "read_views", "violations"]
