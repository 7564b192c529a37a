"""What an adapter must pass: the hostile network, and the suite that is run behind it."""

from settle.conformance.faults import Fault, FaultPlan, FaultRule, read_faults
from settle.conformance.network import HostileNetwork, Injection, Traffic

__all__ = [
    "Fault",
    "FaultPlan",
    "FaultRule",
    "HostileNetwork",
    "Injection",
    "Traffic",
    "read_faults",
]
