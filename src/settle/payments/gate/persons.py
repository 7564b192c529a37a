"""Who acts: one person however the name is written, and never nobody."""

from __future__ import annotations

import unicodedata

from settle.errors import BadInput

POLICY = "policy"
"""The name under which policy approves. No person has it."""


def person_of(actor: str) -> str:
    """The person behind an actor's name: spaces, case and form of writing make no second one.

    Raises:
        BadInput: the name is blank, or is that of policy.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", actor).casefold())
    written = (c for c in folded if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    seen = " ".join("".join(written).split())
    if not seen:
        raise BadInput("actor is blank: it is kept as evidence", field="actor")
    if seen == POLICY:
        raise BadInput(f"actor {actor!r} is nobody's name: policy approves under it", field="actor")
    return seen
