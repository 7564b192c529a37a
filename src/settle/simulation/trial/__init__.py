"""Trials of the engine: worlds drawn from a seed, played in virtual time, and judged."""

from settle.simulation.trial.campaign import Campaign, Failure, campaign
from settle.simulation.trial.defects import DEFECTS, Defect
from settle.simulation.trial.drawing import drawn
from settle.simulation.trial.faults import Fault, FaultKind
from settle.simulation.trial.invariant import Invariant, Violation
from settle.simulation.trial.play import Played, Stage
from settle.simulation.trial.scenario import Order, RailPlan, Scenario

__all__ = [
    "DEFECTS",
    "Campaign",
    "Defect",
    "Failure",
    "Fault",
    "FaultKind",
    "Invariant",
    "Order",
    "Played",
    "RailPlan",
    "Scenario",
    "Stage",
    "Violation",
    "campaign",
    "drawn",
]
