"""The answer: the plan, or what is short and the plan of the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from settle.clearing.funding.assigning import Assigned
from settle.clearing.funding.holdings import deficits
from settle.clearing.funding.naive import naive_plan
from settle.clearing.funding.plan import FundingPlan, Infeasible, Unfunded
from settle.clearing.funding.planning import TIME_LIMIT_S, plan
from settle.clearing.funding.posing import due_of
from settle.clearing.funding.question import Funding
from settle.ledger import AccountBalance


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to send, and what cannot be funded.

    `asked` is everything that is needed. `plan` funds all of it but what `short` names; it is
    none where clients' money is itself not whole, for then none of it may move.
    """

    asked: Funding
    plan: FundingPlan | None
    short: tuple[Unfunded, ...] = ()


def answer(
    assigned: Sequence[Assigned], *, ledger: Sequence[AccountBalance],
    asking: Callable[[Sequence[Assigned]], Funding], time_limit_s: float = TIME_LIMIT_S,
) -> Answer:  # fmt: skip
    """The cheapest plan; where not everything can be funded, that of the rest.

    `asking` gives the question of obligations. The rest is all but what is short; where that
    cannot be planned, all but the obligations of those who have come to owe us, whose deficit
    the others' money does not pay.

    Raises:
        NotVerified: a plan was found that does not hold in integers, or none in time.
    """
    asked = asking(assigned)
    found = _planned(asked, time_limit_s=time_limit_s)
    if isinstance(found, FundingPlan):
        return Answer(asked=asked, plan=found)
    sound = _without_deficits(assigned, ledger=ledger)
    for rest in (_cut(asked, found), asking(sound) if len(sound) < len(assigned) else None):
        kept = None if rest is None else _planned(rest, time_limit_s=time_limit_s)
        if isinstance(kept, FundingPlan):
            return Answer(asked=asked, plan=kept, short=found.unfunded)
    return Answer(asked=asked, plan=None, short=found.unfunded)


def _planned(funding: Funding, *, time_limit_s: float) -> FundingPlan | Infeasible:
    """Where all is where it is needed, nothing is cheaper, and nothing has to be solved."""
    naive = naive_plan(funding)
    if naive is not None and not naive.moves:
        return replace(naive, naive_minor=0)
    return plan(funding, time_limit_s=time_limit_s)


def _cut(funding: Funding, found: Infeasible) -> Funding | None:
    """The question less what is short. What is not paid stays owed, as the claims have it."""
    missing = {each.subject: each.short_minor for each in found.unfunded}
    if missing.keys() - {need.need_id for need in funding.needs}:
        return None
    kept = tuple(
        replace(need, amount_minor=left)
        for need in funding.needs
        if (left := need.amount_minor - missing.get(need.need_id, 0)) > 0
    )
    return replace(funding, needs=kept)


def _without_deficits(
    assigned: Sequence[Assigned], *, ledger: Sequence[AccountBalance]
) -> list[Assigned]:
    owing = deficits(ledger, due_of(assigned))
    return [
        each
        for each in assigned
        if (each.obligation.agreement_id, each.obligation.currency) not in owing
    ]
