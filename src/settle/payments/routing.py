"""Which rail carries a payment, and why."""

from __future__ import annotations

from collections.abc import Mapping
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

    Where the rail is said, no other is asked.
    """
    passed: list[str] = []
    for name, adapter in rails.items():
        if due.rail not in ("", name):
            continue
        why_not = _why_not(due, adapter)
        if why_not is None:
            accounts = {ref.currency: ref.account for ref in adapter.accounts()}
            reason = "; ".join([*passed, f"{name}: first that takes it"])
            return Route(rail=name, account=accounts[due.currency], reason=reason)
        passed.append(f"{name}: {why_not}")
    return Route(reason="; ".join(passed) or "there is no rail")


def _why_not(due: Due, adapter: Adapter[Any]) -> str | None:
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
    if all(ref.currency != due.currency for ref in adapter.accounts()):
        return f"no account in {due.currency}"
    return None
