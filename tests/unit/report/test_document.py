"""The report as JSON: nothing lost, nothing rounded, and a shape that does not drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from settle.report import MorningReport
from settle.report.document import as_json, dump

GOLDEN = Path(__file__).with_name("keys.txt")


def keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}/{key}"
            yield from keys(item, f"{path}/{key}")
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, f"{path}[]")


def test_json_gives_back_the_same_report(rich: MorningReport) -> None:
    """A report read from its JSON equals the one that was written."""
    document = json.loads(dump(rich.to_json()))

    assert rich == TypeAdapter(MorningReport).validate_python(document)


def test_the_keys_of_the_json_are_the_agreed_ones(rich: MorningReport) -> None:
    """A key that comes, goes or moves is a decision: keys.txt holds them all."""
    assert GOLDEN.read_text().splitlines() == sorted(set(keys(rich.to_json())))


def test_every_amount_has_its_currency_and_exponent_beside_it(rich: MorningReport) -> None:
    """A reader of minor units needs no table of its own."""

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if any(key.endswith("_minor") for key in value):
                assert {"JPY": 0, "KRW": 0}.get(value["currency"], 2) == value["exponent"]
            for item in value.values():
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)

    check(rich.to_json())


def test_instants_are_in_utc(rich: MorningReport) -> None:
    """An instant is ISO 8601 and ends in Z."""
    assert rich.to_json()["known_at"] == "2024-12-19T17:11:00Z"


@dataclass(frozen=True, slots=True)
class Holder:
    value: Any


@pytest.mark.parametrize("value", [1.5, datetime(2024, 12, 19, 1), b"x"])  # noqa: DTZ001
def test_what_json_cannot_hold_exactly_is_refused(value: object) -> None:
    """Floats, instants without a zone and bytes never reach the file."""
    with pytest.raises(TypeError):
        as_json(Holder(value))


def test_mappings_are_sorted_so_that_bytes_do_not_depend_on_their_order() -> None:
    """Two mappings of the same content give the same bytes."""
    at = datetime(2024, 12, 19, tzinfo=UTC)

    assert dump(as_json({"b": 1, "a": at})) == dump(as_json({"a": at, "b": 1}))
