"""What became of a batch: how many of its records were taken, and why the others were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One record that was not taken: where it stands, which field is wrong, and why."""

    file: str
    row: int
    field: str
    value: str
    reason: str
    record_id: str | None

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.field}: {self.value!r}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return self.reason.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A batch, counted. `withdrawn`: records of earlier batches that a conflict took out."""

    batch_id: str
    name: str
    records_in: int
    accepted: int
    duplicates: int
    quarantined: int
    withdrawn: int = 0
    findings: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        counted = self.accepted + self.duplicates + self.quarantined
        assert self.records_in == counted, f"{self.name}: {self.records_in} in, {counted} out"
        assert self.quarantined == len(self.findings), f"{self.name}: a refusal has no finding"

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many records were quarantined for each reason, sorted by reason."""
        return dict(sorted(Counter(finding.reason for finding in self.findings).items()))
