"""How an exchange is kept: encrypted where the store has a key, with digests of what it was.

Digests are of the plain content, taken when it was written: what is sealed of them holds after
the key was changed, and after the content was erased. A request is one piece and its answer
another, each bound to its row: neither opens anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from settle.ledger import digest_of
from settle.store import Locked, Vault, vault_of

Row = Mapping[str, Any]

KEY = ("conversation_id", "step", "turn")
"""What an exchange is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One side of an exchange: the columns of its text, of its body, and of how it is kept."""

    name: str
    texts: tuple[str, ...]
    body: str
    key_id: str
    digests: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold what was said."""
        return (*self.texts, self.body)


REQUEST = Part(
    name="request", texts=("target", "headers"), body="content", key_id="key_id", digests="digests"
)
ANSWER = Part(
    name="answer", texts=("answer_headers",), body="answer_content", key_id="answer_key_id",
    digests="answer_digests",
)  # fmt: skip
PARTS = (REQUEST, ANSWER)

ERASED = {"target": "", "headers": "", "content": b"", "answer_headers": None,
          "answer_content": None, "key_id": None, "answer_key_id": None}  # fmt: skip
"""What is left of an exchange's content once it was erased."""


def kept(connection: Connection, part: Part, row: Row) -> dict[str, Any]:
    """The columns of a part as they are stored. `row` has its key and its content in plain."""
    return {**locked(vault_of(connection), part, row), part.digests: digests_of(part, row)}


def digests_of(part: Part, row: Row) -> str:
    """The digests of a part's content, which `row` has in plain, as they are stored."""
    return json.dumps(_digests(part, row), sort_keys=True)


def locked(vault: Vault, part: Part, row: Row) -> dict[str, Any]:
    """The content of a part as the vault keeps it: in one piece, or in plain without a key."""
    if vault.is_open:
        return {**{name: row[name] for name in part.columns}, part.key_id: None}
    head = json.dumps([row[name] for name in part.texts], separators=(",", ":")).encode()
    piece = len(head).to_bytes(4, "big") + head + bytes(row[part.body])
    key_id, content = vault.lock(piece, bound=_bound(part, row))
    return {**dict.fromkeys(part.texts, ""), part.body: content, part.key_id: key_id}


def opened(vault: Vault, row: Row, *, parts: tuple[Part, ...] = PARTS) -> dict[str, Any]:
    """An exchange with its content in plain, or with that of some parts.

    Raises:
        Locked: the key is not there, or what is kept was changed or moved.
    """
    plain = dict(row)
    for part in parts:
        if row[part.key_id] is not None:
            piece = vault.unlock(row[part.key_id], row[part.body] or b"", bound=_bound(part, row))
            size = 4 + int.from_bytes(piece[:4], "big")
            plain.update(zip(part.texts, json.loads(piece[4:size]), strict=True))
            plain[part.body] = piece[size:]
    return plain


def opened_here(
    connection: Connection, row: Row, *, parts: tuple[Part, ...] = PARTS
) -> dict[str, Any]:
    """An exchange with its content in plain, by the keys of the store that it is from.

    Raises:
        Locked: as `opened`.
    """
    return opened(vault_of(connection), row, parts=parts)


def _bound(part: Part, row: Row) -> list[object]:
    return ["exchange", part.name, row["conversation_id"], int(row["step"]), int(row["turn"])]


@dataclass(frozen=True, slots=True)
class KeptContents:
    """What a seal has of exchanges' content, or of a part. This is a `settle.ledger.Contents`."""

    parts: tuple[Part, ...] = PARTS

    @property
    def columns(self) -> tuple[str, ...]:
        """Which key each part is under, and its digests."""
        return tuple(name for part in self.parts for name in (part.key_id, part.digests))

    def written(self, row: Row) -> dict[str, str | None]:
        """The digests taken when it was written; of older rows, those of what they hold."""
        found: dict[str, str | None] = {}
        for part in self.parts:
            found |= _told(row[part.digests]) or _digests(part, row)
        return found

    def found(self, connection: Connection, row: Row) -> dict[str, str | None] | None:
        """The digests of what is there now; None where its key is not."""
        try:
            plain = opened_here(connection, row, parts=self.parts)
        except Locked as error:
            # An auditor without any key may walk the chain; with keys, one that nobody knows is
            # what somebody would write who hides an edit.
            nobody_reads = error.missing and vault_of(connection).is_open
            return None if nobody_reads else {"locked": str(error)}
        return {
            name: digest for part in self.parts for name, digest in _digests(part, plain).items()
        }


def _told(text: object) -> dict[str, str | None]:
    try:
        told = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}  # somebody wrote there; what it stood for is looked at instead
    return told if isinstance(told, dict) else {}


def _digests(part: Part, row: Row) -> dict[str, str | None]:
    return {name: digest_of(row[name]) for name in part.columns}
