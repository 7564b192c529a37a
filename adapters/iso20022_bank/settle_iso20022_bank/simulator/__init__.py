"""The bank, simulated: an ASGI app with a ledger, a memory and a ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from settle.adapters.simulator import Clock, Memory, OutsideLine
from settle_iso20022_bank.simulator.face import BankSimulator
from settle_iso20022_bank.simulator.ledger import BankLedger

__all__ = ["BankSimulator", "open_simulator"]


def open_simulator(
    *,
    memory: Memory,
    clock: Clock,
    accounts: Mapping[str, str],
    outside: Sequence[OutsideLine],
    secrets: Mapping[str, str],
) -> BankSimulator:
    """The bank with what its memory holds. `secrets` are its `user` and `password`."""
    ledger = BankLedger(memory=memory, accounts=accounts, outside=outside)
    return BankSimulator(ledger=ledger, clock=clock, secrets=secrets)
