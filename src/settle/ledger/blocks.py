"""Blocks: each has the head of the one before in its header, so that none can be changed alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from settle.errors import BadInput
from settle.ledger.leaves import canonical

GENESIS = "0" * 64
"""What the first block has for the head of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a block has of one source: the columns that its leaves are made of, how many, from when.

    `first`, `last`: the earliest and latest `recorded` among them, in microseconds since 1970.
    """

    columns: tuple[str, ...]
    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a block says of itself. Its text is what is hashed, signed and kept, byte for byte."""

    block: int
    previous: str
    root: str
    count: int
    sealed_at: int
    signer: str | None
    sources: Mapping[str, Share]

    @property
    def text(self) -> str:
        """The header as JSON in one way only."""
        shares = {
            name: {
                "columns": list(share.columns), "count": share.count, "first": share.first,
                "last": share.last,
            }
            for name, share in self.sources.items()
        }  # fmt: skip
        return canonical({
            "block": self.block, "count": self.count, "previous": self.previous,
            "root": self.root, "sealed_at": self.sealed_at, "signer": self.signer,
            "sources": shares,
        })  # fmt: skip

    @classmethod
    def read(cls, text: str) -> Header | None:
        """The header that a text is; none where it is not exactly one."""
        try:
            told: dict[str, Any] = json.loads(text)
            shares = {name: _share(share) for name, share in told.pop("sources").items()}
            found = cls(**told, sources=shares)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return found if found.is_plausible and found.text == text else None

    @property
    def is_plausible(self) -> bool:
        """Whether its figures are figures and its names are names."""
        numbers = [self.block, self.count, self.sealed_at]
        numbers += [x for s in self.sources.values() for x in (s.count, s.first, s.last)]
        texts = [self.previous, self.root, *([] if self.signer is None else [self.signer])]
        texts += [name for share in self.sources.values() for name in share.columns]
        whole = all(type(number) is int for number in numbers)
        return whole and all(isinstance(text, str) for text in texts)


def _share(told: Mapping[str, Any]) -> Share:
    return Share(**{**told, "columns": tuple(told["columns"])})


def head_of(header: str) -> str:
    """The head of a block: the digest of its header's text."""
    return sha256(header.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block of a chain, in a few words. Kept elsewhere, it shows what was cut off."""

    block: int
    head: str
    signer: str | None = None
    signature: str | None = None

    def __str__(self) -> str:
        return f"{self.block}:{self.head}"

    def as_json(self) -> dict[str, Any]:
        """The head as it is exported."""
        return {
            "block": self.block, "head": self.head, "signer": self.signer,
            "signature": self.signature,
        }  # fmt: skip

    @classmethod
    def read(cls, text: str, *, file: str) -> Head:
        """A head that was exported, or its short form `BLOCK:HEAD`.

        Raises:
            BadInput: it is neither.
        """
        number, colon, digest = text.strip().partition(":")
        if colon and number.isdigit() and _is_digest(digest):
            return cls(block=int(number), head=digest)
        try:
            found = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            why = "not a head that was exported: give its file, or BLOCK:HEAD with all 64 digits"
            raise BadInput(f"{file}: {why}", file=file) from None
        if type(found.block) is not int or not _is_digest(found.head):
            raise BadInput(f"{file}: a head has `block`, a number, and `head`, a digest", file=file)
        return found


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")
