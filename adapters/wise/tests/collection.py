"""Official request collections, read as they are: requests with variables, and what they keep."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "wise_postman"
PAYOUTS = "payouts-and-third-party-payments/Payouts and third party payouts API"
BANKS = "bank-flow/TransferWise for Banks API flow"
BALANCES = "multi-currency-account/Multi-Currency Account"
CONNECTED = "connected-apps-flow/Connected Apps Payment Flow (Balance)"
ALL = "all-endpoints/TW-API"
KEEPS = re.compile(r'(?:setEnvironmentVariable|variables\.set)\(\s*"([\w-]+)",\s*\w+\.(\w+)\s*\)')
PLACEHOLDERS = {
    r"(?i)<selected recipie?n?t id>": "new-recipient-id",
    r"<quote uuid>": "new-quote-id",
    r"<owning profile id>": "profile",
}
"""Words in angle brackets, where one collection has them in place of variables."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One request of a collection."""

    name: str
    method: str
    url: str
    body: str | None
    headers: dict[str, str]
    keeps: dict[str, str]
    answers: tuple[str, ...]


@dataclass(kw_only=True)
class Variables:
    """What stands in for a collection's variables."""

    values: dict[str, Any] = field(default_factory=dict)
    made: int = 0

    def fill(self, text: str) -> str:
        """The text with every variable filled in, and a number of our own for each guid."""
        for mark in ("{{$guid}}", "<idempotency guid>"):
            if mark in text:
                self.made += 1
                bare = f": {mark}" in text  # one collection leaves the quotes out
                guid = str(uuid.UUID(int=self.made, version=4))
                text = text.replace(mark, f'"{guid}"' if bare else guid)
        for pattern, name in PLACEHOLDERS.items():
            value = self.values.get(name)
            written = json.dumps(value) if isinstance(value, str) else str(value)
            text = re.sub(pattern, written, text)
        return re.sub(r"\{\{([\w-]+)\}\}", lambda x: str(self.values.get(x[1], x[0])), text)

    def keep(self, item: Item, answer: Any) -> None:
        """What the collection's own script takes out of an answer."""
        found = answer[0] if isinstance(answer, list) and answer else answer
        for name, key in item.keeps.items():
            if isinstance(found, dict) and key in found:
                self.values[name] = found[key]


def items(collection: str) -> Iterator[Item]:
    """Every request, by its path in the collection."""
    path = FOLDER / f"{collection}.postman_collection.json"
    yield from _walk(json.loads(path.read_bytes())["item"], "")


def _walk(folder: list[dict[str, Any]], above: str) -> Iterator[Item]:
    for each in folder:
        name = f"{above}/{each['name']}"
        if "item" in each:
            yield from _walk(each["item"], name)
            continue
        asked = each["request"]
        url = asked["url"] if isinstance(asked["url"], str) else asked["url"]["raw"]
        scripts = [line for e in each.get("event", []) for line in e["script"]["exec"]]
        yield Item(
            name=name,
            method=asked["method"],
            url=url,
            body=(asked.get("body") or {}).get("raw"),
            headers={x["key"].lower(): x["value"] for x in asked.get("header", [])},
            keeps=dict(KEEPS.findall("\n".join(scripts))),
            answers=tuple(x["body"] for x in each.get("response", [])),
        )
