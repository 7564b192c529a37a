"""Text of others on a terminal: what would move its cursor or colour it is shown, not done."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every character that is not to be seen as its code."""
    return "".join(x if x.isprintable() or x == "\t" else ascii(x)[1:-1] for x in text)
