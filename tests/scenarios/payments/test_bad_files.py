"""Payees of an agreements file that cannot be paid: each named with its field, the rest paid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.hub import Hub
from settle.payments.tables import exchanges, payments

DAY = date(2024, 12, 18)
AT = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
HEAD = (
    "agreement_id,participant_id,role,settlement_currency,rounding,hub_role,valid_from,"
    "fee_back_on_refund,fee_ppm,fee_fixed_minor,tax_ppm,reserve_ppm,reserve_days,"
    "payout_minimum_minor,fx_markup_ppm,beneficiary_name,beneficiary_country,"
    "beneficiary_town,beneficiary_account,beneficiary_bic,beneficiary_bank_code\n"
)
ROW = "A-{0},{0},merchant,EUR,half_up,principal,2024-01-01,false,0,0,0,0,0,0,0,{1},{2},{3},{4},,\n"
PARTNER = "A-P1,P1,partner,EUR,half_up,principal,2024-01-01,false,0,0,0,0,0,0,0,,,,,,\n"
IBAN = "DE95100100107000000059"
PAYEES: Mapping[str, tuple[str, str, str, str]] = {
    "good": ("Mo", "DE", "Ulm", IBAN),
    "wrong_iban": ("Mo", "DE", "Ulm", "DE95100100107000000058"),
    "no_town": ("Mo", "DE", "", IBAN),
    "long_name": ("M" * 141, "DE", "Ulm", IBAN),
    "no_country": ("Mo", "Germany", "Ulm", IBAN),
    "escape": ("M\x1b[31mo", "DE", "Ulm", IBAN),
}
CONFIG = """
[settle]
tenant = "t"
[clearing]
agreements = "agreements.csv"
rates = "rates.csv"
[rails.iso20022_bank]
plugin = "iso20022_bank"
base_url = "http://127.0.0.1:1"
bic = "ZSETDEFF"
debtor_name = "Settle"
debtor_country = "SG"
debtor_town = "Singapore"
user = "settle"
password = "env:SETTLE_BANK_PASSWORD"
accounts = { EUR = "DE34100100107000000090" }
"""


def sale(name: str) -> dict[str, Any]:
    return {
        "record_id": f"R-{name}", "participant_id": name, "agreement_id": f"A-{name}",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": 100_00, "currency": "EUR",
        "occurred_at": "2024-12-18T04:00:00Z",
    }  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A window closed over a file in which most payees cannot be paid."""
    monkeypatch.setenv("SETTLE_BANK_PASSWORD", "p")
    rows = "".join(ROW.format(name, *payee) for name, payee in PAYEES.items())
    (tmp_path / "agreements.csv").write_text(HEAD + rows + PARTNER, encoding="utf-8")
    (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.05\n")
    (tmp_path / "settle.toml").write_text(CONFIG)
    with Hub.open(tmp_path / "settle.toml", clock=lambda: AT) as opened:
        opened.take([sale(name) for name in PAYEES], day=DAY)
        opened.close_window(DAY)
        yield opened


def test_each_payee_of_a_file_that_cannot_be_paid_is_named_with_its_field(hub: Hub) -> None:
    """The good one is planned, the others held or refused, and nothing is sent of them."""
    done = hub.plan(DAY)
    assert (len(PAYEES), 5, 4) == (done.obligations, done.payments, done.held)
    assert ["beneficiary.name: holds U+001B, which no rail carries"] == list(done.refused.values())
    with hub.store.reading() as connection:
        query = sa.select(payments.c.agreement_id, payments.c.hold_reason)
        found = {row.agreement_id: row.hold_reason for row in connection.execute(query)}
        assert 0 == connection.scalar(sa.select(sa.func.count()).select_from(exchanges))
    assert {
        "A-good": "",
        "A-wrong_iban": "beneficiary.account: the IBAN does not verify",
        "A-no_town": "beneficiary.town: missing",
        "A-long_name": "beneficiary.name: longer than 140 characters",
        "A-no_country": "beneficiary.country: not an ISO 3166 code",
    } == found
