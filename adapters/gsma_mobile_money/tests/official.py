"""Reading the official cases: which are ours to pass, and how their templates and rules are meant.

A case is a list of steps, each a request with the answer that the other side is to give. Texts
are templates; what a step is checked by are rules such as `required|in:pending`.
"""

from __future__ import annotations

import json
import re
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import jinja2

from .published import CASES, loaded

DATE = "2024-12-18T16:30:00.000Z"
OURS = (
    "/accounts/{identifierType}/{identifier}/balance",
    "/accounts/{identifierType}/{identifier}/transactions",
    "/batchtransactions",
    "/batchtransactions/{batchId}",
    "/batchtransactions/{batchId}/completions",
    "/batchtransactions/{batchId}/rejections",
    "/heartbeat",
    "/requeststates/{serverCorrelationId}",
    "/transactions",
    "/transactions/type/{transactionType}",
    "/transactions/{transactionReference}",
    "/transactions/{transactionReference}/reversals",
    "{X-Callback-URL}",
)
"""What a sender of disbursements and remittances asks of a provider."""
AGAINST_THE_SPECIFICATION = (
    "1-Step Bulk Disbursement - callback - failure - async",
    "1-Step Bulk Disbursement - callback - failure - sync",
)
"""The same request is to be answered by 202 in the one and by 500 in the other, with the category
`Validation` and the code `GenericError`, which the specification does not have."""


class Headers(UserDict[str, Any]):
    """Headers as the cases read them: by any case, each a list."""

    def __init__(self, told: Mapping[str, str]) -> None:
        super().__init__({k.lower(): [v] for k, v in told.items()})

    def __getitem__(self, name: str) -> Any:
        return self.data[name.lower()]

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self.data


@cache
def cases() -> dict[str, Any]:
    """Every case by its path, read once."""
    files = sorted(x for x in CASES.rglob("*") if x.suffix in (".yml", ".yaml"))
    return {str(x.relative_to(CASES)): loaded(x) for x in files}


def why_not(name: str) -> str:
    """Why a case is not ours to pass as a provider; blank where it is."""
    steps = cases()[name]["test_steps"]
    if not name.startswith("Compliance/"):
        return "another scheme's protocol"
    if any(step["path"] not in OURS for step in steps):
        return "a resource that no sender of disbursements uses"
    if any(_moves_otherwise(step) for step in steps):
        return "collects from a payer, or moves between linked accounts"
    if Path(name).stem in AGAINST_THE_SPECIFICATION:
        return "against the specification"
    return ""


def _moves_otherwise(step: Mapping[str, Any]) -> bool:
    uri = str(step["request"].get("uri", ""))
    typed = re.search(r"transactions/type/(\w+)", uri)
    return typed is not None and typed[1] not in ("disbursement", "inttransfer")


def rendered(told: Any, context: Mapping[str, Any]) -> Any:
    """A part of a case with its templates filled in."""
    if isinstance(told, dict):
        return {k: rendered(v, context) for k, v in told.items()}
    if isinstance(told, list):
        return [rendered(x, context) for x in told]
    if not isinstance(told, str) or "{{" not in told:
        return told
    words = {x: x for x in ("type", "transactionStatus", "transactionReference")}
    text = _templates().from_string(told).render(
        uuidv4=lambda: str(uuid4()), new_date_iso8601=lambda: DATE,
        new_date_iso8601_zulu=lambda: DATE,
        mapped_urls=_Urls(), **words, **context,
    )  # fmt: skip
    return json.loads(text) if "json_encode" in told else text


class _Urls:
    def __getitem__(self, _: str) -> dict[str, str]:
        return dict.fromkeys(("sp", "fsp", "rfsp", "mmap"), "https://hub.test")


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(autoescape=False)  # texts of a test, never shown
    found.filters["merge"] = lambda one, other: {**one, **other}
    found.filters["json_encode"] = json.dumps
    return found


def broken(scripts: Any, told: Mapping[str, Any], context: Mapping[str, Any]) -> list[str]:
    """Which rules of a step's scripts do not hold of a request or an answer."""
    found = []
    for script in scripts or ():
        for place, rules in script["rules"].items():
            if place.split(".")[0] not in ("body", "headers", "status"):
                continue  # a rule that names no part holds of nothing
            each = rules if isinstance(rules, list) else rendered(rules, context).split("|")
            values = list(_values(told, place.split(".")))
            found += [f"{place}: {x}" for x in each if not _holds(x, values)]
    return found


def _values(told: Any, place: list[str]) -> Iterator[Any]:
    if not place:
        yield told
    elif place[0] == "*" and isinstance(told, list):
        for each in told:
            yield from _values(each, place[1:])
    elif place[0] in (told if isinstance(told, (Mapping, Headers)) else ()):
        yield from _values(told[place[0]], place[1:])


def _holds(rule: str, values: list[Any]) -> bool:
    name, _, told = rule.partition(":")
    values = [x[0] if isinstance(x, list) and len(x) == 1 else x for x in values]
    if name not in _RULES:
        raise AssertionError(f"the rule {rule} is not known here")
    return (values != [] or name != "required") and all(_RULES[name](x, told) for x in values)


_RULES: Mapping[str, Callable[[Any, str], bool]] = {
    "required": lambda x, _: x not in (None, "", []),
    "in": lambda x, told: str(x) in told.split(","),
    "regex": lambda x, told: re.search(told.strip("/"), str(x)) is not None,
    "url": lambda x, _: urlsplit(str(x)).scheme in ("http", "https"),
    "array": lambda x, _: isinstance(x, (dict, list)),
    "min": lambda x, told: len(x) >= int(told),
    "max": lambda x, told: len(x) <= int(told),
}
