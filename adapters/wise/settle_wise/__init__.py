"""settle's adapter for the Wise Platform API."""

from settle_wise.adapter import Wise, WiseSettings

__all__ = ["Wise", "WiseSettings"]
