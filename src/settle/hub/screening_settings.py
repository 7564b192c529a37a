"""`[screening]`: the lists that whoever is paid is held against, and from which scores on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from settle.payments.screening.thresholds import BLOCK_AT, ONE, REVIEW_AT


class ScreeningSettings(BaseModel):
    """`[screening]`: list files by name, and the scores, in parts per million, that hold.

    Without lists nobody is screened.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lists: Mapping[str, Path] = Field(default_factory=dict)
    review_at: int = Field(default=REVIEW_AT, ge=1, le=ONE, strict=True)
    block_at: int = Field(default=BLOCK_AT, ge=1, le=ONE, strict=True)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.review_at > self.block_at:
            raise ValueError("review_at is above block_at; give the lower score for a review")
        return self
