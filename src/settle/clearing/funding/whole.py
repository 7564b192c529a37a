"""Integers that come in from outside."""

from __future__ import annotations

from settle.errors import BadInput
from settle.money import MINOR_MAX


def whole(value: object, where: str) -> int:
    """The value, if it is an integer of 64 bits. This refuses floats and booleans by name.

    Raises:
        BadInput: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{where}: an int is due, not {type(value).__name__}")
    if abs(value) > MINOR_MAX:
        raise BadInput(f"{where}: beyond 64 bits")
    return value
