"""The newest sealed head, kept beside the lake: so an audit sees by itself what was cut off.

Whoever has the database alone can cut the newest blocks off, and a chain does not show what it
has lost. The file is not in the database; whoever has both needs a head that was kept elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from settle.ledger import Head


class Heads:
    """The newest head of one store, in a file of the lake that is named by the store."""

    def __init__(self, lake: Path, store_id: str) -> None:
        self._file = lake / "heads" / store_id

    def newest(self) -> Head | None:
        """The head that was kept last; none before the first.

        Raises:
            BadInput: the file is no head.
        """
        if not self._file.is_file():
            return None
        return Head.read(self._file.read_text("ascii", "replace"), file=str(self._file))

    def keep(self, head: Head) -> None:
        """Keep a newer one instead, which must follow the one that is kept."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(f".{self._file.name}.draft")
        draft.write_text(f"{head}\n", "ascii")
        draft.replace(self._file)
