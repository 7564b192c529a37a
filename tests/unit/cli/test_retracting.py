"""`settle payments retract`, `explain`: by name, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.properties.test_notifications import NOW, RAIL

from settle.adapters import Evidence, Fact, Source
from settle.hub import Hub
from settle.payments import record

from .conftest import Settle
from .test_returns import planned as planned  # noqa: PLC0414  # a fixture

WHO = ("--actor", "ada", "--why", "the bank's letter")
ALSO = ("--actor", "bob", "--why", "the bank's letter")
WHY = "executed, and never released here"


@pytest.fixture
def booked(planned: Path) -> Path:
    """A payment that is planned and nothing more, and stands on a statement all the same."""
    with Hub.open("settle.toml") as hub:
        proof = Evidence(
            evidence_id="line/1", source=Source.STATEMENT, fact=Fact.BOOKED, reference="P-1",
            occurred_at=NOW, rail=RAIL, amount_minor=1000, currency="AUD",
        )  # fmt: skip
        record(hub.store, [proof], recorded_at=NOW)
    return planned


def test_two_people_take_evidence_back(settle: Settle, booked: Path) -> None:
    """The evidence is listed, contested by one, and gone by the word of the second."""
    assert "line/1  2024-12-18 booked (statement)\n" == settle("payments", "retract", "P-1").out
    (listed,) = json.loads(settle("payments", "retract", "P-1", "--json").out)
    assert "line/1" == listed["evidence"]
    assert WHY in settle("payments", "show", "P-1").out
    said = settle("payments", "retract", "P-1", "line/1", *WHO)
    assert (0, "line/1 of P-1 stays until another person says the same\n") == (said.code, said.out)
    done = settle("payments", "retract", "P-1", "line/1", *ALSO)
    words = "line/1 of P-1 is taken back, on the word of ada and bob; the payment is planned\n"
    assert words == done.out
    told = settle("payments", "show", "P-1").out
    assert WHY not in told
    assert "retracted (decision)  line/1 by ada and bob: the bank's letter" in told
    none = "nothing is known of P-1 that could be taken back\n"
    assert none == settle("payments", "retract", "P-1").out


def test_two_people_explain_what_does_not_fit(settle: Settle, booked: Path) -> None:
    """The payment stays as it is, and is shown for it no more."""
    settle("payments", "explain", "P-1", *WHO)
    told = settle("payments", "explain", "P-1", *ALSO, "--json").told
    assert ([], True, "booked") == (told["contradictions"], told["closed"], told["state"])
    assert "does not fit together" not in settle("payments", "show", "P-1").out


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["retract", "P-1", "line/1"], 2, "--actor and --why"),
        (["explain", "P-1"], 2, "--actor and --why"),
        (["retract", "P-1", "line/1", "--of", "P-2", "--struck"], 2, "either --of or --struck"),
        (["retract", "P-1", "line/2", *WHO], 11, "nothing is stored as line/2"),
        (["retract", "P-9", "line/1", *WHO], 11, "there is no payment P-9"),
        (["explain", "P-1", "--actor", " ", "--why", "w"], 11, "actor is blank"),
    ],
)
def test_what_cannot_be_corrected_is_refused_by_name(
    settle: Settle, booked: Path, arguments: list[str], code: int, why: str
) -> None:
    """In one line that says what is missing."""
    done = settle("payments", *arguments)
    assert (code, True) == (done.code, why in done.err)


def test_a_movement_without_a_line_is_nobody_elses(settle: Settle, booked: Path) -> None:
    """Evidence that came by no statement's line has none to give away; nothing is changed."""
    settle("payments", "retract", "P-1", "line/1", "--struck", *WHO)
    refused = settle("payments", "retract", "P-1", "line/1", "--struck", *ALSO)
    assert (11, True) == (refused.code, "no line of a statement is behind" in refused.err)
    assert WHY in settle("payments", "show", "P-1").out
