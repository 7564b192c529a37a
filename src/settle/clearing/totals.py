"""What sums have to be: within 64 bits, and zero over all parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from settle.engine import AnyScratch
from settle.errors import MoneyError, NotConserved


def refuse_too_large(
    scratch: AnyScratch, *, view: str, amounts: Sequence[str], whose: str = "agreement_id"
) -> None:
    """Name the first row of a view, by `whose` and currency, with an amount beyond 64 bits.

    Raises:
        MoneyError: there is one.
    """
    from settle.money import MINOR_MAX

    largest = "greatest(" + ", ".join(f"abs({amount})" for amount in amounts) + ", 0)"
    found = scratch.rows(
        f"""select {whose} as whose, currency from {view} where {largest} > {MINOR_MAX}
        order by 1, 2 limit 1"""  # noqa: S608  # names and a number of ours
    ).to_pylist()
    if found:
        name, currency = found[0]["whose"], found[0]["currency"]
        raise MoneyError(
            f"{name}: a total in {currency} is beyond {MINOR_MAX} minor units",
            whose=name, currency=currency,
        )  # fmt: skip


def conserved(sums: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The currencies of rows `currency, amount_minor`, each the sum over all parties.

    Raises:
        NotConserved: one of them is not zero.
    """
    for row in sums:
        if row["amount_minor"] != 0:
            raise NotConserved(
                f"positions in {row['currency']} sum to {row['amount_minor']}, not to zero",
                currency=row["currency"],
            )
    return tuple(row["currency"] for row in sums)
