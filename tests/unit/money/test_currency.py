"""The currency table is data."""

from __future__ import annotations

import pytest

from settle.errors import UnknownCurrency
from settle.money import SETTLEMENT_CURRENCIES, currencies, currency, exponent, register


def test_the_default_table() -> None:
    """Fourteen settlement currencies, the payers' CNY, and yen and won without decimals."""
    assert len(set(SETTLEMENT_CURRENCIES)) == 14
    assert {*SETTLEMENT_CURRENCIES, "CNY", "THB"} == set(currencies())
    assert sorted(currencies()) == list(currencies())
    assert {"JPY", "KRW"} == {code for code in currencies() if exponent(code) == 0}


def test_a_currency_joins_without_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered currency is known at once; saying the same again changes nothing."""
    monkeypatch.setattr(currency, "EXPONENTS", dict(currency.EXPONENTS))
    register("KWD", decimals=3)
    register("KWD", decimals=3)
    assert exponent("KWD") == 3


@pytest.mark.parametrize(("code", "decimals"), [("USD", 3), ("usd", 2), ("US", 2), ("ÉÉÉ", 2)])
def test_a_registration_that_contradicts_is_refused(code: str, decimals: int) -> None:
    """Another number of decimals, or what is no code, leaves the table as it was."""
    before = list(currencies())
    with pytest.raises(UnknownCurrency):
        register(code, decimals=decimals)
    assert before == list(currencies())
