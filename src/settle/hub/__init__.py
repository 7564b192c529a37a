"""The hub: what a platform imports. It opens the rooms and hands figures between them."""

from settle.hub.config import Config, load
from settle.hub.funding import PlannedFunding
from settle.hub.hub import Hub
from settle.hub.journal import Ending
from settle.hub.naming import Named, Origin
from settle.hub.outcomes import (
    Delivered,
    Fetched,
    Looked,
    Paid,
    Planned,
    Reconciled,
    Released,
)

__all__ = [
    "Config",
    "Delivered",
    "Ending",
    "Fetched",
    "Hub",
    "Looked",
    "Named",
    "Origin",
    "Paid",
    "Planned",
    "PlannedFunding",
    "Reconciled",
    "Released",
    "load",
]
