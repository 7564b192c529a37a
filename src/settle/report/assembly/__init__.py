"""The assembly of the morning report: the store is read once, as of one instant, and told."""

from settle.report.assembly.clearing import finding_lines
from settle.report.assembly.morning import assemble, known_at
from settle.report.assembly.night import NightFacts

__all__ = ["NightFacts", "assemble", "finding_lines", "known_at"]
