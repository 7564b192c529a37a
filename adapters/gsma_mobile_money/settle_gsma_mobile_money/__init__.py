"""settle's adapter for the GSMA Mobile Money API, version 1.1.2."""

from settle_gsma_mobile_money.adapter import GsmaMobileMoney
from settle_gsma_mobile_money.settings import GsmaMobileMoneySettings

__all__ = ["GsmaMobileMoney", "GsmaMobileMoneySettings"]
