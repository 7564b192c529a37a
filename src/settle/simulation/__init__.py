"""A seeded world for demonstrations and tests: simulated rails, a clock, faults, ground truth."""

from settle.simulation.client import RunningWorld, start_world
from settle.simulation.description import RailDescription, WorldDescription, read_world

__all__ = ["RailDescription", "RunningWorld", "WorldDescription", "read_world", "start_world"]
