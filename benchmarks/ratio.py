"""Ratios of one run: two ways of doing the same, in turn, and the median of their quotients."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as long ours takes, and the medians behind it in seconds."""

    ours_s: float
    other_s: float
    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.middle:.2f} times as long (of {self.low:.2f} to {self.high:.2f}); "
            f"{self.ours_s:.3f} s against {self.other_s:.3f} s"
        )


def timed(work: Callable[[], object]) -> float:
    """How many seconds a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternating(ours: Callable[[], float], other: Callable[[], float], *, runs: int) -> Ratio:
    """Both, `runs` times in turn, each saying how long it took; the first goes first every time.

    A neighbour that slows the machine slows both of a pair, so their quotient moves less than
    either of them does.
    """
    pairs = [(ours(), other()) for _ in range(runs)]
    quotients = sorted(mine / theirs for mine, theirs in pairs)
    return Ratio(
        ours_s=median(mine for mine, _ in pairs),
        other_s=median(theirs for _, theirs in pairs),
        low=quotients[0],
        middle=median(quotients),
        high=quotients[-1],
    )
