"""Funding as people read it: obligations by cell, moves by moment, shortfalls by need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from settle.clearing import Obligation
from settle.clearing.funding import Answer, Assignment, FundingPlan, Move
from settle.clearing.funding import Funding as Question
from settle.report.funding import (
    Amount,
    Funding,
    FundingMove,
    Holding,
    NoAccount,
    ObligationAccount,
    PaidFrom,
    Shortfall,
)

if TYPE_CHECKING:
    from settle.hub.funding import PlannedFunding


def told(planned: PlannedFunding) -> Funding:
    """The report's funding section. This is a pure function of what was planned."""
    funding = Funding(
        planned_at=planned.at,
        reference=planned.reference,
        paid_from=tuple(_paid_from(planned)),
        no_account=tuple(_no_account(planned)),
        failed=planned.failed,
    )
    if planned.answer is None:
        return funding
    found, plan = planned.answer, planned.answer.plan
    funding = replace(
        funding, short=tuple(_short(found)), holdings=tuple(_holdings(found.asked, plan))
    )
    return funding if plan is None else _planned(funding, found.asked, plan)


def each_told(assignment: Assignment) -> Iterator[ObligationAccount]:
    """Every obligation with its account or why it has none, by id."""
    found = [
        ObligationAccount(
            **_named(each.obligation), value_date=each.value_date,
            account_id=each.account.account_id, rail=each.account.rail,
            account=each.account.account, by=each.by, rule=each.rule,
        )
        for each in assignment.assigned
    ]  # fmt: skip
    found += [
        ObligationAccount(
            **_named(each.obligation), value_date=each.obligation.value_date, why=each.why
        )
        for each in assignment.unassigned
    ]
    yield from sorted(found, key=lambda each: each.obligation_id)


def _named(obligation: Obligation) -> dict[str, Any]:
    return {
        "obligation_id": obligation.obligation_id, "agreement_id": obligation.agreement_id,
        "currency": obligation.currency, "amount_minor": obligation.amount_minor,
        "country": obligation.beneficiary_country,
    }  # fmt: skip


def _planned(funding: Funding, asked: Question, plan: FundingPlan) -> Funding:
    def amount(minor: int | None) -> Amount | None:
        return None if minor is None else Amount(currency=plan.currency, amount_minor=minor)

    return replace(
        funding,
        moves=tuple(_move(asked, plan, each) for each in plan.moves),
        cost=amount(plan.cost_minor),
        naive=amount(plan.naive_minor),
        saved=amount(plan.saved_minor),
        gap_ppm=0 if plan.is_optimal else plan.gap_ppm,
    )


def _paid_from(planned: PlannedFunding) -> Iterator[PaidFrom]:
    groups = defaultdict(list)
    for each in planned.assignment.assigned:
        due = each.obligation
        key = (
            due.currency, due.beneficiary_country, each.value_date, each.missed,
            each.account.account_id, each.by, each.rule,
        )  # fmt: skip
        groups[key].append(each)
    for (currency, country, value_date, missed, *_), group in sorted(groups.items()):
        first = group[0]
        yield PaidFrom(
            currency=currency, country=country, value_date=value_date, missed=missed,
            account_id=first.account.account_id, rail=first.account.rail,
            account=first.account.account, by=first.by, rule=first.rule, obligations=len(group),
            open=sum(each.obligation.obligation_id in planned.open for each in group),
            amount_minor=sum(each.obligation.amount_minor for each in group),
        )  # fmt: skip


def _no_account(planned: PlannedFunding) -> Iterator[NoAccount]:
    groups = defaultdict(list)
    for each in planned.assignment.unassigned:
        due = each.obligation
        if due.obligation_id not in planned.open:  # it has left, whatever the file says by now
            continue
        key = due.currency, due.beneficiary_country, due.value_date, each.why
        groups[key].append(due.amount_minor)
    for (currency, country, value_date, why), amounts in sorted(groups.items()):
        yield NoAccount(
            currency=currency, country=country, value_date=value_date, why=why,
            obligations=len(amounts), amount_minor=sum(amounts),
        )  # fmt: skip


def _move(asked: Question, plan: FundingPlan, move: Move) -> FundingMove:
    source, target = asked.account(move.source), asked.account(move.target)
    arc = next(arc for arc in asked.arcs if arc.arc_id == move.arc_id)
    cost = move.charged_minor + move.spread_minor
    return FundingMove(
        way=move.arc_id, source=move.source, target=move.target,
        sold=Amount(currency=source.currency, amount_minor=move.sold_minor),
        bought=Amount(currency=target.currency, amount_minor=move.bought_minor),
        cost=Amount(currency=plan.currency, amount_minor=cost),
        send_by=arc.closes_at, lands_at=move.lands_at,
    )  # fmt: skip


def _short(answer: Answer) -> Iterator[Shortfall]:
    by = {need.need_id: need.by for need in answer.asked.needs}
    for each in answer.short:
        yield Shortfall(
            subject=each.subject, currency=each.currency, short_minor=each.short_minor,
            hindrance=each.hindrance.value, detail=each.detail, by=by.get(each.subject),
        )  # fmt: skip


def _holdings(asked: Question, plan: FundingPlan | None) -> Iterator[Holding]:
    closing = dict(plan.closing) if plan else {}
    for account in asked.accounts:
        yield Holding(
            account_id=account.account_id, rail=account.rail, currency=account.currency,
            owner=account.owner, balance_minor=account.balance_minor,
            after_minor=closing.get(account.account_id),
        )  # fmt: skip
