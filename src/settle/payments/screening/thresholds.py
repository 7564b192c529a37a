"""From scores to decisions: where a name begins to be looked at, and where to be blocked."""

from __future__ import annotations

from dataclasses import dataclass

from settle.errors import BadInput

ONE = 1_000_000
"""The score of two names that are the same."""

REVIEW_AT = 800_000
"""Finds 0.916 of the labelled pairs that match; 0.164 of what it holds is another name."""

BLOCK_AT = 950_000
"""Finds 0.467 of those pairs; 0.039 of what it holds is another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Scores, in parts per million, from which on a person decides. Block is not reject.

    Raises:
        BadInput: they are not 1 to 1,000,000, or a block would come before a review.
    """

    review_at: int = REVIEW_AT
    block_at: int = BLOCK_AT

    def __post_init__(self) -> None:
        if not 0 < self.review_at <= self.block_at <= ONE:
            raise BadInput(
                f"screening: review_at {self.review_at} and block_at {self.block_at}: give parts "
                "per million, the first not above the second",
                field="review_at",
            )
