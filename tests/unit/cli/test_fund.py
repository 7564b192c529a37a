"""`settle fund`: what it prints, as a table and as JSON, and what its exit codes mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.properties.funding_store import AT, BANK, DAY, PARTNER_NOK, Client, fill, hub_on
from tests.unit.cli.conftest import Settle

from settle.clearing.tables import obligations
from settle.payments.tables import payments

AWAY = Client(name="A-1", currency="NOK", owed_minor=800_000, due_minor=800_000, away=True)
OURS = {(*BANK["EUR"], "EUR"): 10_000}
STRANGER = Client(name="A-2", currency="EUR", owed_minor=100, due_minor=100, country="XK")
SECRETS = ("SETTLE_BANK_PASSWORD", "SETTLE_ADYEN_API_KEY", "SETTLE_ADYEN_HMAC_KEY")


def stored(folder: Path, *clients: Client) -> list[str]:
    """A store in a folder; gives the options that name it."""
    with hub_on(folder) as hub:
        fill(hub, clients, own=OURS)
    return ["fund", "--config", str(folder / "settle.toml"), "--date", "2024-12-18"]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "ab" * 32)


def test_the_move_its_cost_and_what_is_saved_are_printed(settle: Settle, tmp_path: Path) -> None:
    """Crowns go from the partner to the bank that pays them, and everything is funded."""
    ran = settle(*stored(tmp_path, AWAY))
    assert 0 == ran.code
    for told in ("partner NOK", "bank NOK", "8,000.00 NOK", "cost 5.00 EUR", "saved 0.00"):
        assert told in ran.out


def test_the_json_names_account_and_deadline_of_each_obligation(
    settle: Settle, tmp_path: Path
) -> None:
    """Each has its account at the rail, the moment, and the rule that decided it."""
    ran = settle(*stored(tmp_path, AWAY), "--obligations", "--json")
    (told,) = ran.told["obligations"]
    assert ("bank NOK", *BANK["NOK"]) == (told["account_id"], told["rail"], told["account"])
    assert "2024-12-19T09:30:00Z" == told["by"]
    assert "bank cut-off 11:00 Europe/Paris on 2024-12-19 governs" == told["rule"]
    (move,) = ran.told["moves"]
    assert 800_000 == move["sold"]["amount_minor"] == move["bought"]["amount_minor"]
    assert {PARTNER_NOK[0], BANK["NOK"][0]} == {
        each["rail"]
        for each in ran.told["holdings"]
        if each["account_id"] in (move["source"], move["target"])
    }


def test_what_no_account_pays_is_named_and_exits_10(settle: Settle, tmp_path: Path) -> None:
    """The pair that the matrix lacks is told; no account is guessed."""
    ran = settle(*stored(tmp_path, AWAY, STRANGER), "--json")
    assert 10 == ran.code
    (told,) = ran.told["no_account"]
    assert "EUR to XK is not in the matrix of funding.toml on 2024-12-19" == told["why"]
    assert not ran.told["is_whole"]
    assert ran.told["moves"]


def test_what_has_left_already_needs_no_account(settle: Settle, tmp_path: Path) -> None:
    """It is told beside the others, and asks nobody to act."""
    options = stored(tmp_path, AWAY, STRANGER)
    with hub_on(tmp_path) as hub, hub.store.transaction() as connection:
        mine = obligations.c.agreement_id == STRANGER.name
        connection.execute(obligations.update().where(mine).values(covered_at=AT))
    ran = settle(*options, "--obligations", "--json")
    assert (0, []) == (ran.code, ran.told["no_account"])
    assert ["O-A-1", "O-A-2"] == [each["obligation_id"] for each in ran.told["obligations"]]


def test_what_is_on_its_way_is_funded_once(settle: Settle, tmp_path: Path) -> None:
    """Also where a run was killed before it marked the obligation that it had planned."""
    options = stored(tmp_path, AWAY)
    with hub_on(tmp_path) as hub:
        hub.plan(DAY)
        with hub.store.transaction() as connection:
            connection.execute(obligations.update().values(covered_at=None))
            connection.execute(payments.update().values(state="accepted", hold_reason=""))
    ran = settle(*options, "--json")
    assert (0, []) == (ran.code, ran.told["moves"])
    assert [(1, 0)] == [(row["obligations"], row["open"]) for row in ran.told["paid_from"]]


def test_what_is_short_is_told_with_its_deadline(settle: Settle, tmp_path: Path) -> None:
    """A client that is due more than there is: by how much, by when, and why."""
    more = Client(name="A-3", currency="NOK", owed_minor=0, due_minor=50_000_000)
    ran = settle(*stored(tmp_path, more), "--json")
    assert 10 == ran.code
    (told,) = ran.told["short"]
    assert ("NOK", "2024-12-19T09:30:00Z") == (told["currency"], told["by"])
    assert 0 < told["short_minor"] <= 50_000_000


def test_a_fault_of_the_file_exits_11_with_its_place(settle: Settle, tmp_path: Path) -> None:
    """File, row and field are on the one line that is printed."""
    options = stored(tmp_path, AWAY)
    file = tmp_path / "funding.toml"
    file.write_text(file.read_text("utf-8").replace('owner = "own"', 'owner = "mine"'), "utf-8")
    ran = settle(*options)
    assert 11 == ran.code
    assert "funding.toml: account row 17: owner 'mine' is none of clients, own" in ran.err


def test_without_a_funding_file_the_setting_is_named(settle: Settle, tmp_path: Path) -> None:
    """The message says which key of the settings to give."""
    options = stored(tmp_path, AWAY)
    config = tmp_path / "settle.toml"
    text = config.read_text("utf-8").replace("extends", "#").replace("[clearing]", "")
    config.write_text(f'[settle]\ntenant = "t"\n[clearing]\n{text}'.replace("funding =", "#"))
    ran = settle(*options)
    assert (11, True) == (ran.code, "clearing.funding" in ran.err)
