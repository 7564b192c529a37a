"""Names of the files: agreement, currency, batch and sequence, safe in every file system."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

SEQUENCE_MAX = 999
_LENGTH_MAX = 100
_NAME = re.compile(
    r"(?P<sheet>details|summary)_(?P<agreement>[^/]+)_(?P<currency>[A-Z]{3})"
    r"_(?P<batch>\d{8}-[0-9a-f]{8})_(?P<sequence>\d{3})[.](?P<ending>csv|parquet)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """The parts of a file's name. `agreement`: as `folder_name` writes it."""

    sheet: str
    agreement: str
    currency: str
    batch: str
    sequence: int = 0
    ending: str = "csv"

    def __str__(self) -> str:
        stem = f"{self.sheet}_{self.agreement}_{self.currency}_{self.batch}"
        return f"{stem}_{self.sequence:03}.{self.ending}"

    @classmethod
    def of(cls, text: str) -> FileName | None:
        """The parts of a name, or None if it is not one of ours."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        return cls(
            sheet=found["sheet"], agreement=found["agreement"], currency=found["currency"],
            batch=found["batch"], sequence=int(found["sequence"]), ending=found["ending"],
        )  # fmt: skip


def batch_id(day: date, manifest_digest: str) -> str:
    """The settlement batch: the window's day and the start of its manifest's digest."""
    return f"{day:%Y%m%d}-{hashlib.sha256(manifest_digest.encode()).hexdigest()[:8]}"


def folder_name(agreement_id: str) -> str:
    """An agreement's id as a name of a file: anything odd in it is percent-encoded.

    One that would be too long is cut, and the digest of all of it added.
    """
    plain = quote(agreement_id, safe="").replace("~", "%7E")
    if plain.startswith("."):
        plain = "%2E" + plain[1:]
    if len(plain) <= _LENGTH_MAX:
        return plain
    digest = hashlib.sha256(agreement_id.encode()).hexdigest()[:16]
    return f"{plain[: _LENGTH_MAX - 20]}~{digest}"
