"""What is held, told for machines; and slips of the pen, each answered with what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Settle, write_terms
from .test_payments import config
from .test_returns import planned

__all__ = ["config", "planned"]

WHO = ["--actor", "ada", "--reason", "asked for"]


def test_what_is_held_and_paused_is_told_for_machines(settle: Settle, planned: Path) -> None:
    """A switch and a hold, each with since when and what ends it; a currency in any case."""
    assert 0 == settle("controls", "pause", "currency", "aud", *WHO).code
    told = settle("controls", "list", "--json").told
    (switch,), (hold,) = told["paused"], told["held"]
    assert ("currency", "AUD", "ada") == (switch["scope"], switch["name"], switch["actor"])
    assert ("P-1", "settle approve P-1 --actor NAME") == (
        hold["payment_id"], hold["released_by"].rpartition(": ")[2],
    )  # fmt: skip
    assert "1 payment held" in settle("controls", "list").out
    assert 0 == settle("controls", "resume", "currency", "Aud", *WHO).code


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ("rail", "there is no rail 'XYZ'; there are adyen_transfers"),
        ("currency", "there is no currency 'XYZ'; there are AUD"),
        ("party", "there is no party 'XYZ'; a party is an agreement, by its id"),
    ],
)
def test_nothing_is_paused_that_there_is_not(
    settle: Settle, planned: Path, scope: str, why: str
) -> None:
    """What there is stands beside it."""
    write_terms(planned)
    done = settle("controls", "pause", scope, "XYZ", *WHO)
    assert (11, 1) == (done.code, len(done.err.splitlines()))
    assert why in done.err


@pytest.mark.parametrize(
    ("payment_id", "why"),
    [("P-9", "there is no payment P-9"), ("P-1", "P-1 is approved, and does not wait")],
)
def test_what_waits_for_nobody_is_said_to(
    settle: Settle, planned: Path, payment_id: str, why: str
) -> None:
    """A payment that there is not, and one that is approved already."""
    assert 0 == settle("approve", "P-1", "--actor", "bob").code
    done = settle("approve", payment_id, "--actor", "ada")
    assert (11, True) == (done.code, why in done.err)


def test_a_store_that_was_not_put_back_has_nothing_to_resume(settle: Settle, config: Path) -> None:
    """It says so, and is no failure: a script may resume twice."""
    done = settle("resume", "--actor", "ada", "--config", config)
    assert (0, "nothing was stopped: no backup is put back\n") == (done.code, done.out)


@pytest.mark.parametrize("command", [["backup", "file/in"], ["audit", "seal", "--head", "."]])
def test_a_place_that_cannot_be_written_is_named(
    settle: Settle, config: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """One line with the place and why, and 11."""
    monkeypatch.chdir(config.parent)
    (config.parent / "file").write_text("")
    done = settle(*command)
    assert (11, 1) == (done.code, len(done.err.splitlines())), done.err


def test_evidence_of_no_payment_is_not_nothing_known(settle: Settle, config: Path) -> None:
    """A name that is mistyped is refused, for machines too."""
    for more in ([], ["--json"]):
        done = settle("payments", "retract", "P-999", *more, "--config", config)
        assert (11, "") == (done.code, done.out)
        assert "there is no payment 'P-999'" in done.err
    assert [] == json.loads(
        settle("payments", "retract", "P-001", "--json", "--config", config).out
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [(["--keep", "o1"], "give --replay, too"), (["--replay", "3", "--json"], "leave out --json")],
)
def test_no_option_of_a_simulation_is_left_unread(
    settle: Settle, given: list[str], why: str
) -> None:
    """What would be ignored is a mistake, and no world is played."""
    done = settle("simulate", *given)
    assert (2, "") == (done.code, done.out)
    assert why in done.err


def test_an_empty_store_may_be_the_wrong_one(settle: Settle, config: Path, tmp_path: Path) -> None:
    """A list of nothing asks whether it is the store that was meant."""
    other = f"sqlite:///{tmp_path / 'mistyped.db'}"
    told = settle("payments", "list", "--config", config, "--store", other)
    assert (0, True) == (told.code, "this store has no payment" in told.out)
