"""Dynamic forms: what the rail asks for a recipient and for a transfer, answered or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from settle.adapters import Rejected
from settle_wise.wire import Asked, Form

UNMET = "requirements_unmet"
"""The rail asks for what we do not know of anybody. Another rail may ask for less."""
MISFIT = "recipient_refused"
"""What we know does not fit the rail's form."""


class Refused(Exception):
    """The way to a transfer ends here. This carries why; nothing that moves money was asked."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.code)
        self.rejected = rejected


def chosen(
    forms: Sequence[Form], candidates: Mapping[str, Mapping[str, str]]
) -> tuple[Form, Mapping[str, str]]:
    """The form offered that fits the beneficiary best, with what goes into it.

    Raises:
        Refused: the rail offers none of those that we could fill.
    """
    offered = {form.type.lower(): form for form in reversed(forms)}
    for kind, account in candidates.items():
        if kind in offered:
            return offered[kind], account
    reason = f"offered are {', '.join(sorted(offered)) or 'none'}"
    raise Refused(Rejected(code=UNMET, reason=f"beneficiary.account: {reason}"))


def answered(form: Form, known: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form that we can answer.

    Raises:
        Refused: one that is required we cannot, or what we know does not fit.
    """
    answers: dict[str, str] = {}
    for asked in form.asked:
        value = known.get(asked.key)
        if value is None and asked.required:
            raise Refused(Rejected(code=UNMET, reason=f"{asked.key}: required, and not known"))
        if value is not None and not _fits(asked, value):
            raise Refused(Rejected(code=MISFIT, reason=f"{asked.key}: does not fit the form"))
        if value is not None:
            answers[asked.key] = value
    return answers


def refreshes(form: Form, answers: Mapping[str, str]) -> bool:
    """Whether an answer given may make the rail ask for more."""
    return any(x.refresh_requirements_on_change and x.key in answers for x in form.asked)


def nested(answers: Mapping[str, str]) -> dict[str, Any]:
    """`{"address.city": …}` as `{"address": {"city": …}}`."""
    tree: dict[str, Any] = {}
    for key, value in answers.items():
        *branches, leaf = key.split(".")
        here = tree
        for branch in branches:
            here = here.setdefault(branch, {})
        here[leaf] = value
    return tree


def _fits(asked: Asked, value: str) -> bool:
    shortest, longest = asked.min_length or 0, asked.max_length or len(value)
    allowed = [each.key for each in asked.values_allowed]
    return shortest <= len(value) <= longest and (not allowed or value in allowed)
