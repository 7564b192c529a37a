"""Why a record is quarantined, and which field to look at. One reason a record, the first."""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "line_unreadable": "line",
    "id_missing": "record_id",
    "kind_unknown": "kind",
    "currency_unknown": "currency",
    "amount_missing": "amount",
    "amount_is_a_float": "amount",
    "amount_not_finite": "amount",
    "amount_not_a_number": "amount",
    "amount_has_a_fraction": "amount",
    "amount_has_too_many_decimals": "amount",
    "amount_too_large": "amount",
    "amount_negative": "amount",
    "amount_zero": "amount",
    "occurred_at_unreadable": "occurred_at",
    "occurred_at_too_early": "occurred_at",
    "occurred_at_beyond_horizon": "occurred_at",
    "occurred_at_in_the_future": "occurred_at",
    "received_at_unreadable": "received_at",
    "participant_unknown": "participant_id",
    "agreement_unknown": "agreement_id",
    "agreement_of_another": "agreement_id",
    "agreement_not_of_a_merchant": "agreement_id",
    "agreement_not_valid_yet": "agreement_id",
    "counterparty_unknown": "counterparty_id",
    "original_unknown": "original_record_id",
    "conflict": "record_id",
    "conflict_after_close": "record_id",
    "over_net_debit_cap": "amount",
}
"""Reason to field, in the order in which they are looked for."""

OF_AGREEMENTS = frozenset(
    {
        "participant_unknown", "agreement_unknown", "agreement_of_another",
        "agreement_not_of_a_merchant", "agreement_not_valid_yet", "counterparty_unknown",
        "over_net_debit_cap",
    }
)  # fmt: skip
"""Reasons that other agreements or caps may cure, with the record as it is."""

_SHOWN = {
    "line": "unreadable",
    "amount": "amount_said",
    "occurred_at": "occurred_said",
    "received_at": "received_said",
}
VALUE_LENGTH_MAX = 80


def shown_sql() -> str:
    """The SQL that gives a finding's value: the text of its field, cut short."""
    cases = " ".join(
        f"when '{field}' then v.{_SHOWN.get(field, field)}"
        for field in dict.fromkeys(FIELDS.values())
    )
    return f"left(case f.field {cases} end, {VALUE_LENGTH_MAX})"
