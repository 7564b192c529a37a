"""The same content again under other terms: what they refused is judged anew.

The records that may now be taken are a further batch of their own; those that still may not, and
all that was decided before, stay counted in the batch as which the content first came.
"""

from __future__ import annotations

from collections.abc import Sequence

from settle.clearing.findings import Intake
from settle.clearing.reasons import OF_AGREEMENTS
from settle.store import derived


def curable_rows(earlier: Sequence[Intake]) -> list[int]:
    """The rows that only agreements or caps refused, and that no further batch has told of.

    `earlier`: the batches of one content, the first one first.
    """
    first, *further = earlier
    told = {finding.row for intake in further for finding in intake.findings}
    rows = [found.row for found in first.findings if found.reason in OF_AGREEMENTS]
    return [row for row in rows if row not in told]


def further_id(content_id: str, terms_digest: str) -> str:
    """The id of what other terms cured of a content."""
    return derived("batch", content_id, terms_digest)
