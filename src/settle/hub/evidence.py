"""Who acted and why: what is kept of an act of a person."""

from __future__ import annotations

from settle.errors import BadInput


def refuse_blank(**said: str) -> None:
    """Refuse words that say nothing. They are kept as evidence, and nobody can ask later.

    Raises:
        BadInput: one is blank; the message names it.
    """
    for name, words in said.items():
        if not words.strip():
            raise BadInput(f"{name} is blank: it is kept as evidence", field=name)
