"""settle's adapter for Adyen's Transfers API, version 4."""

from settle_adyen_transfers.adapter import AdyenTransfers, AdyenTransfersSettings

__all__ = ["AdyenTransfers", "AdyenTransfersSettings"]
