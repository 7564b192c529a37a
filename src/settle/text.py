"""Text of others, as people may safely be given it."""

from __future__ import annotations


def shown(text: str) -> str:
    """The text on one line, each sign that does not print as its escape. This moves no cursor."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )
