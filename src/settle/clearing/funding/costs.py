"""What a move costs, in integers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from settle.clearing.funding.arcs import Trade, Transfer
from settle.clearing.funding.question import Funding


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one move, in minor units of the costs' currency.

    `charged_minor` is billed, to our account for costs; `spread_minor` is what the trade loses
    against mid, in the trade itself.
    """

    charged_minor: int
    spread_minor: int


def cost_of(arc: Transfer | Trade, *, sold_minor: int, bought_minor: int, funding: Funding) -> Cost:
    """The cost of sending an amount on a way once. This rounds each part up.

    A rate better than mid costs nothing; it does not pay for anything else either, so that no
    plan trades for gain.
    """
    source, target = funding.account(arc.source), funding.account(arc.target)
    sold = sold_minor * funding.value_of(source.currency)
    bought = bought_minor * funding.value_of(target.currency)
    return Cost(
        charged_minor=arc.fixed_minor + ceil(sold * Fraction(arc.ppm, 10**6)),
        spread_minor=max(0, ceil(sold - bought)) if isinstance(arc, Trade) else 0,
    )
