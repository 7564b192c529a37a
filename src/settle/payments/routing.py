"""Which rail carries a payment, from which account of ours, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from settle.adapters import Adapter
from settle.payments.instruction import Due


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The rail chosen and our account there. Empty where no rail takes the payment."""

    rail: str = ""
    account: str = ""
    reason: str


def route(due: Due, rails: Mapping[str, Adapter[Any]]) -> Route:
    """The first rail, in the order given, that takes the payment. This keeps the reason.

    Where the rail is said, no other is asked; where the account is said, no other pays. Where it
    is not, the rail's first in the currency does.
    """
    passed: list[str] = []
    for name, adapter in rails.items():
        if due.rail not in ("", name):
            continue
        accounts = _accounts(due, adapter)
        why_not = _why_not(due, adapter, accounts)
        if why_not is None:
            reason = "; ".join([*passed, f"{name}: first that takes it{_why(due, accounts)}"])
            return Route(rail=name, account=due.account or accounts[0], reason=reason)
        passed.append(f"{name}: {why_not}")
    return Route(reason="; ".join(passed) or "there is no rail")


def _accounts(due: Due, adapter: Adapter[Any]) -> Sequence[str]:
    return [ref.account for ref in adapter.accounts() if ref.currency == due.currency]


def _why(due: Due, accounts: Sequence[str]) -> str:
    if due.account or len(accounts) == 1:
        return ""
    return f", from {accounts[0]}, the first of {len(accounts)} accounts in {due.currency}"


def _why_not(due: Due, adapter: Adapter[Any], accounts: Sequence[str]) -> str | None:
    profile = adapter.profile
    if due.currency not in profile.currencies:
        return f"no {due.currency}"
    if due.kind not in profile.kinds:
        return f"no {due.kind.value}"
    if profile.countries is not None and due.beneficiary.country not in profile.countries:
        return f"no country {due.beneficiary.country}"
    limit = profile.limits.amount_minor_max.get(due.currency)
    if limit is not None and due.amount_minor > limit:
        return f"more than its limit in {due.currency}"
    named = due.account or next(iter(accounts), "")
    if named not in accounts:
        return f"no account {named} in {due.currency}" if named else f"no account in {due.currency}"
    return None
