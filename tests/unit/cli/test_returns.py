"""`settle payments cancel`, `recall`, `repay`, `let-go`: by name, told in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.properties.test_notifications import ACCOUNT, CONFIG, NOW, PAYEE, RAIL, keys

from settle.hub import Hub
from settle.payments import Due, plan

from .conftest import Settle

WHO = ["--actor", "ada", "--reason", "the merchant asks"]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A payment that waits for its approval, and no rail that would answer."""
    monkeypatch.chdir(tmp_path)
    keys(monkeypatch)
    (tmp_path / "settle.toml").write_text(CONFIG)
    with Hub.open("settle.toml") as hub:
        due = Due(
            obligation_id="O", agreement_id="A", currency="AUD", amount_minor=1000,
            value_date=NOW.date(), beneficiary=PAYEE,
        )  # fmt: skip
        plan(hub.store, [due], rails=hub.adapters, tenant="t", now=NOW, ids=lambda: "P-1")
    assert (ACCOUNT, RAIL) != ("", "")
    return tmp_path


def test_a_cancellation_says_what_becomes_of_the_obligation(settle: Settle, planned: Path) -> None:
    """It is said once, or refused; done again it says that it was so before."""
    asked = settle("payments", "cancel", "P-1", *WHO)
    assert (2, True) == (asked.code, "--free" in asked.err)
    done = settle("payments", "cancel", "P-1", "--for-good", *WHO)
    assert (0, "P-1 was cancelled by ada; its obligation gets no other payment\n") == (
        done.code, done.out,
    )  # fmt: skip
    again = settle("payments", "cancel", "P-1", "--for-good", *WHO, "--json").told
    assert (again["already"], again["frees"], again["obligation_id"]) == (True, False, "O")
    assert 0 == settle("payments", "cancel", "P-1", "--free", *WHO).code
    told = settle("payments", "show", "P-1").out
    assert "cancelled (engine)  for_good by ada: the merchant asks" in told
    assert "freed (engine)" in told


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["cancel", "P-9", "--free"], "there is no payment P-9"),
        (["recall", "P-1"], "payment P-1 is planned: there is nothing to ask back"),
        (["recall", "P-1", "--code", "because"], "'because' is not a cancellation reason"),
        (["repay", "P-1", "--as-is"], "payment P-1 is planned: nothing of it is owed again"),
        (["repay", "P-1"], "give either --beneficiary FILE or --as-is"),
        (["repay", "P-1", "--beneficiary", "none.json"], "none.json: No such file"),
        (
            ["repay", "P-1", "--beneficiary", "odd.json"],
            "odd.json: a beneficiary has no 'iban'; it has name, country",
        ),
        (["repay", "P-1", "--beneficiary", "short.json"], "has to have country, town, account"),
        (["repay", "P-1", "--beneficiary", "list.json"], "list.json: one JSON object is due"),
        (["let-go", "P-1"], "payment P-1 is planned, and never left"),
        (["cancel", "P-1", "--free", "--actor", " "], "actor is blank"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    settle: Settle, planned: Path, arguments: list[str], why: str
) -> None:
    """Exit code 11 and one line."""
    (planned / "odd.json").write_text(json.dumps({"iban": "x"}))
    (planned / "short.json").write_text(json.dumps({"name": "x"}))
    (planned / "list.json").write_text("[1]")
    verb, *rest = arguments
    done = settle("payments", verb, *WHO, *rest)
    assert (11, 1) == (done.code, len(done.err.splitlines()))
    assert why in done.err


def test_what_was_refused_at_the_door_is_shown(settle: Settle, planned: Path) -> None:
    """By rail, day and reason, in words and as JSON."""
    assert settle("payments", "notifications").out == "no notification has come\n"
    with Hub.open("settle.toml") as hub:
        for _ in range(3):
            hub.receive(RAIL, {}, b"{}", received_at=NOW)
    assert f"{RAIL} 2024-12-18: 3 refused, " in settle("payments", "notifications").out
    told = settle("payments", "notifications", "--json").told
    assert ([3], []) == ([x["times"] for x in told["refused"]], told["taken"])
