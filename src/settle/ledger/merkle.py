"""Merkle trees as RFC 6962, section 2.1, has them: a root for many, a short proof of one."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of no leaves."""


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf. Its prefix keeps a leaf from being taken for a node."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over the two below it."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree over the hashes of leaves, in their order. This keeps every level, leaves first."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> bytes:
        """What the whole tree comes to."""
        top = self._levels[-1]
        return top[0] if top else EMPTY

    def path(self, index: int) -> list[bytes]:
        """The audit path of a leaf, counted from zero: its siblings from the bottom up."""
        found = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                found.append(level[sibling])
            index //= 2
        return found


def _above(level: Sequence[bytes]) -> list[bytes]:
    # Split at the largest power of two, as the RFC does, an odd last one stands alone: it rises.
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [node_hash(left, right) for left, right in pairs]
    return [*above, level[-1]] if len(level) % 2 else above
