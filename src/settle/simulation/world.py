"""A world of simulated rails on loopback, each behind its hostile network.

adapter ──▶ HostileNetwork ──▶ uvicorn ──▶ the plug-in's simulator ──▶ its memory
                                                    ▲
control ── PUT /clock, GET /executions, GET /journal ┘
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Self

from settle.adapters.simulator import Execution, Memory, OpenSimulator, OutsideLine, Simulator
from settle.conformance import FaultRule, HostileNetwork, read_faults
from settle.errors import ConfigError
from settle.simulation.clock import WorldClock
from settle.simulation.control import control
from settle.simulation.description import RailDescription, WorldDescription, read_outside
from settle.simulation.serve import serving

GROUP = "settle.simulators"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rail:
    simulator: Simulator
    faults: Sequence[FaultRule]
    fault_memory: Memory
    port: int


class World:
    """Rails, a clock and a network that loses things. This is an async context manager.

    While it is open, `base_urls` says where each rail answers and `control_url` where the
    world itself does.

    Raises:
        ConfigError: a plug-in is not installed, or a fault or outside line names no rail.
    """

    def __init__(self, description: WorldDescription) -> None:
        self._description = description
        self._open = AsyncExitStack()
        self._networks: dict[str, HostileNetwork] = {}
        self.clock = WorldClock(self._memory("clock"), start=description.now)
        self.control_url = ""
        self._rails = self._open_rails()

    @property
    def base_urls(self) -> Mapping[str, str]:
        """Where each rail answers, through its hostile network."""
        return {rail: network.base_url for rail, network in self._networks.items()}

    def executions(self) -> dict[str, Any]:
        """The ground truth of every rail, with how many references were executed repeatedly."""
        rails = {name: _truth(rail.simulator.executions()) for name, rail in self._rails.items()}
        return {
            "executed": sum(truth["executed"] for truth in rails.values()),
            "executed_more_than_once": sum(
                truth["executed_more_than_once"] for truth in rails.values()
            ),
            "rails": rails,
        }

    def journal(self) -> dict[str, Any]:
        """The faults injected, by kind since the memory began and one by one in this process."""
        injected: Counter[str] = Counter()
        for network in self._networks.values():
            injected.update({fault.value: count for fault, count in network.injected.items()})
        rails = {name: _traffic(network) for name, network in self._networks.items()}
        return {"injected": dict(sorted(injected.items())), "rails": rails}

    async def __aenter__(self) -> Self:
        for name, rail in self._rails.items():
            upstream = await self._open.enter_async_context(serving(rail.simulator.app))
            network = HostileNetwork(upstream, rail.faults, memory=rail.fault_memory)
            self._open.push_async_callback(network.aclose)
            await network.start(port=rail.port)
            self._networks[name] = network
        host, port = await self._open.enter_async_context(
            serving(control(self), port=self._description.control_port)
        )
        self.control_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    def _open_rails(self) -> dict[str, _Rail]:
        description = self._description
        faults = read_faults(description.faults) if description.faults else ()
        outside = read_outside(description.outside) if description.outside else {}
        for named in [*outside, *(rule.rail for rule in faults)]:
            if named not in description.rails:
                raise ConfigError(f"the world has no rail {named!r}", key="rails")
        return {
            name: _Rail(
                simulator=self._simulator(name, rail, outside=outside.get(name, ())),
                faults=[rule for rule in faults if rule.rail == name],
                fault_memory=self._memory(f"{name}.faults"),
                port=rail.port,
            )
            for name, rail in description.rails.items()
        }

    def _simulator(
        self, name: str, rail: RailDescription, *, outside: Sequence[OutsideLine]
    ) -> Simulator:
        opening = open_simulator(rail.simulator, where=f"rails.{name}.simulator")
        return opening(
            memory=self._memory(name),
            clock=self.clock,
            accounts=rail.accounts,
            outside=outside,
            secrets=rail.secrets,
        )

    def _memory(self, name: str) -> Memory:
        memory = Memory(self._description.memory / f"{name}.jsonl")
        self._open.callback(memory.close)
        return memory


def open_simulator(name: str, *, where: str) -> OpenSimulator:
    """The simulator of an installed plug-in, or at `module:attribute`. `where` names the key.

    Raises:
        ConfigError: there is none.
    """
    plugins = {point.name: point for point in entry_points(group=GROUP)}
    if ":" in name:
        plugins[name] = EntryPoint(name=name, value=name, group=GROUP)
    try:
        found: OpenSimulator = plugins[name].load()
    except (KeyError, ImportError, AttributeError):
        known = ", ".join(sorted(plugins)) or "none"
        raise ConfigError(
            f"{where}: no simulator {name!r} can be loaded; installed: {known}", key=where
        ) from None
    return found


def _truth(executions: Sequence[Execution]) -> dict[str, Any]:
    times = Counter(execution.reference for execution in executions)
    return {
        "executed": len(executions),
        "executed_more_than_once": sum(count > 1 for count in times.values()),
        "executions": [
            {
                "reference": execution.reference,
                "amount_minor": execution.amount_minor,
                "currency": execution.currency,
                "executed_at": execution.executed_at.isoformat(),
            }
            for execution in executions
        ],
    }


def _traffic(network: HostileNetwork) -> dict[str, Any]:
    return {
        "arrived": network.traffic.arrived,
        "forwarded": network.traffic.forwarded,
        "injections": [
            {
                "method": injection.method,
                "target": injection.target,
                "fault": injection.fault.value,
                "forwarded": injection.forwarded,
            }
            for injection in network.journal
        ],
    }
