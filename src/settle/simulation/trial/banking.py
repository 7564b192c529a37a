"""Opening the rails of a scenario: each with its adapter, its door and money on our accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from settle.adapters import Adapter
from settle.adapters.registry import open_adapter
from settle.adapters.simulator import Memory, OutsideLine
from settle.simulation.trial.bank import Bank
from settle.simulation.trial.doors import Door, MemoryDoor, SimulatorDoor
from settle.simulation.trial.rails import BATCHED, SINGLE, Heron, Lark, SimulatedSettings
from settle.simulation.trial.scenario import RailPlan

OPENING_MINOR = 10**9
"""What each of our accounts begins with, as a receipt of our own funds."""

_OPENING = "OWN FUNDS opening"
_URL = "http://simulated"
_KEY = "00112233445566778899aabbccddeeff"
"""A secret of rails that exist nowhere; hexadecimal, as one of them wants it."""

_IN_MEMORY: Mapping[str, type[Lark]] = {SINGLE: Lark, BATCHED: Heron}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRail:
    """One rail of the world: what speaks its language, and where it answers."""

    plan: RailPlan
    adapter: Adapter[Any]
    door: Door


def opened(
    plan: RailPlan,
    *,
    clock: Callable[[], datetime],
    day: date,
    folder: Path,
    late: Collection[str] = (),
) -> OpenRail:
    """The rail of a plan. `folder` keeps the secret's file that a plug-in reads.

    `late`: the names of those whose money comes back later than elsewhere.
    """
    accounts = {currency: f"OUR{currency}{plan.name[:6].upper()}" for currency in plan.currencies}
    if plan.name in _IN_MEMORY:
        return _in_memory(plan, accounts, clock, late)
    return _plugged_in(plan, accounts, clock=clock, day=day, folder=folder)


def _in_memory(
    plan: RailPlan, accounts: dict[str, str], clock: Callable[[], datetime], late: Collection[str]
) -> OpenRail:
    bank = Bank(
        clock=clock, deduplicates=plan.deduplicates, key_life=plan.key_life, lag=plan.lag, late=late
    )
    for account in accounts.values():
        bank.deposit(account, OPENING_MINOR)
    settings = SimulatedSettings(
        base_url=_URL, accounts=accounts, deduplicates=plan.deduplicates, key_life=plan.key_life,
        is_final=plan.is_final,
    )  # fmt: skip
    return OpenRail(plan=plan, adapter=_IN_MEMORY[plan.name](settings), door=MemoryDoor(bank))


def _plugged_in(
    plan: RailPlan,
    accounts: dict[str, str],
    *,
    clock: Callable[[], datetime],
    day: date,
    folder: Path,
) -> OpenRail:
    from settle.simulation.world import open_simulator

    secret = folder / "secret"
    secret.write_text(_KEY)
    settings: dict[str, Any] = {"base_url": _URL, "accounts": accounts}
    settings |= _SETTINGS[plan.name](f"file:{secret}")
    simulator = open_simulator(plan.name, where="simulation")(
        memory=Memory(None),
        clock=clock,
        accounts=accounts,
        outside=[
            OutsideLine(
                day=day, currency=currency, amount_minor=OPENING_MINOR, reference=_OPENING,
                counterparty="Treasury",
            )
            for currency in accounts
        ],
        secrets={"api_key": _KEY, "hmac_key": _KEY, "user": "platform", "password": _KEY},
    )  # fmt: skip
    adapter = open_adapter(plan.name, settings, where=f"simulation.{plan.name}")
    return OpenRail(plan=plan, adapter=adapter, door=SimulatorDoor(simulator))


_SETTINGS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "adyen_transfers": lambda secret: {"api_key": secret, "hmac_key": secret},
    "iso20022_bank": lambda secret: {
        "bic": "DEUTDEFF",
        "debtor_name": "Platform",
        "debtor_country": "DE",
        "debtor_town": "Berlin",
        "user": "platform",
        "password": secret,
        "batch_size_max": 3,
        "part_inherits": True,
    },
}
