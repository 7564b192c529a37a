"""Wallets and how they are named: `msisdn@+254700000001`, up to three identifiers with `$`.

The kinds of identifiers are those of the `identifierType` parameter of version 1.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

KINDS = frozenset(
    {
        "accountcategory", "accountid", "accountrank", "bankaccountno", "bankaccounttitle",
        "bankname", "consumerno", "emailaddress", "iban", "identityalias", "linkref",
        "mandatereference", "msisdn", "organisationid", "serviceprovider", "sortcode", "storeid",
        "swiftbic", "username", "walletid",
    }
)  # fmt: skip
MSISDN = re.compile(r"[+]?[0-9]{6,15}")
"""A telephone number as the official cases have it in their paths."""

Identifiers = Sequence[tuple[str, str]]


def identifiers(account: str) -> Identifiers | None:
    """The identifiers of an account, or None where it is not written as the API writes it."""
    found = [part.partition("@") for part in account.split("$")]
    fits = all(sign and _fits(kind, value) for kind, sign, value in found)
    kinds = {kind for kind, _, _ in found}
    if not fits or not len(kinds) == len(found) <= 3:
        return None
    return [(kind, value) for kind, _, value in found]


def payee(account: str) -> Identifiers | None:
    """A beneficiary's identifiers; a bare number is a telephone number."""
    return [("msisdn", account)] if MSISDN.fullmatch(account) else identifiers(account)


def party(found: Identifiers) -> list[dict[str, str]]:
    """`debitPartyArray` and `creditPartyArray`: key and value of each identifier."""
    return [{"key": kind, "value": value} for kind, value in found]


def path(account: str) -> str:
    """Where an account stands: by one identifier, or by several in one part of the path."""
    found = identifiers(account) or ()
    if len(found) == 1:
        kind, value = found[0]
        return f"/accounts/{kind}/{quote(value, safe='')}"
    return f"/accounts/{quote(account, safe='@$')}"


def is_at(account: str, parties: Sequence[Mapping[str, str]]) -> bool:
    """Whether a party of a transaction is this account.

    They have a kind of identifier in common, and every such kind has the same value: of two
    wallets of one organisation, the organisation alone would name both.
    """
    ours = dict(identifiers(account) or ())
    told = [(x["key"], x["value"]) for x in parties if x.get("key") in ours]
    return bool(told) and all(ours[kind] == value for kind, value in told)


def _fits(kind: str, value: str) -> bool:
    if kind == "msisdn":
        return MSISDN.fullmatch(value) is not None
    return kind in KINDS and re.fullmatch(r"[^@$\s\x00-\x1f\x7f]{1,256}", value) is not None
