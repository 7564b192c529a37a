"""A bank that speaks ISO 20022 over HTTP: pain.001 goes out, pain.002 and camt.053 come back."""

from settle_iso20022_bank.adapter import Iso20022Bank
from settle_iso20022_bank.settings import Iso20022BankSettings

__all__ = ["Iso20022Bank", "Iso20022BankSettings"]
