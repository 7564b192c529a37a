"""A night begins when its day has ended, and alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from settle.errors import BadInput, Busy, ConfigError
from settle.hub import Ending, Hub
from settle.store import exclusive

DAY = date(2024, 12, 18)
CUTOFF = datetime(2024, 12, 18, 16, 0, tzinfo=UTC)
"""Midnight in Shanghai."""

AGREEMENTS = (
    "agreement_id,participant_id,role,settlement_currency,fee_ppm,fee_fixed_minor,tax_ppm,"
    "fee_back_on_refund,reserve_ppm,reserve_days,payout_minimum_minor,fx_markup_ppm,rounding,"
    "hub_role,valid_from,beneficiary_name,beneficiary_country,beneficiary_town,"
    "beneficiary_account,beneficiary_bic,beneficiary_bank_code\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A hub without rails, and so far without anybody who settles."""
    path = tmp_path / "settle.toml"
    path.write_text(
        '[settle]\ntenant = "t"\n[clearing]\nagreements = "a.csv"\nrates = "rates.csv"\n'
    )
    (tmp_path / "a.csv").write_text(AGREEMENTS)
    (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.0510\n")
    return path


@pytest.fixture
def hub(config: Path) -> Iterator[Hub]:
    with Hub.open(config, clock=lambda: CUTOFF) as opened:
        yield opened


def test_a_day_that_has_not_ended_has_no_night(config: Path) -> None:
    """A microsecond before midnight in its zone the night is refused; then it may act."""
    early = CUTOFF - timedelta(microseconds=1)
    with Hub.open(config, clock=lambda: early) as hub:
        with pytest.raises(BadInput, match="has not ended yet"), hub.night(DAY):
            pytest.fail("it began")
        assert hub.nights.last() is None
    with Hub.open(config, clock=lambda: CUTOFF) as hub, hub.night(DAY) as may_act:
        assert may_act


def test_today_is_the_business_day_of_the_zone(config: Path) -> None:
    """At the very cut-off the next business day has begun."""
    with Hub.open(config, clock=lambda: CUTOFF) as hub:
        assert hub.clock.today() == date(2024, 12, 19)
    with Hub.open(config, clock=lambda: CUTOFF - timedelta(seconds=1)) as hub:
        assert hub.clock.today() == DAY


def test_a_second_night_at_once_is_refused(
    hub: Hub, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one store only one night lives at a time; once it has ended, the next may begin."""
    monkeypatch.setattr("settle.hub.opened.exclusive", partial(exclusive, patience_s=0.0))
    with Hub.open(config, clock=lambda: CUTOFF) as other:
        with hub.night(DAY), pytest.raises(Busy, match="night"), other.night(DAY):
            pytest.fail("two at once")
        with other.night(DAY) as may_act:
            assert may_act


def test_a_night_that_fails_leaves_the_door_open(hub: Hub) -> None:
    """Whatever stops a night, it can be run again."""
    with pytest.raises(ZeroDivisionError), hub.night(DAY):
        raise ZeroDivisionError
    with hub.night(DAY) as may_act:
        assert may_act


@pytest.mark.parametrize("blank", ["", "  "])
def test_nobody_acts_without_a_name_or_a_reason(hub: Hub, blank: str) -> None:
    """Who and why are evidence: what says neither is refused before anything is looked up."""
    said = {"actor": "ada", "reason": "insolvent"}
    for name in said:
        for act in (
            lambda **words: hub.unwind(DAY, failed=["P1"], **words),
            lambda **words: hub.correct("r1", replacement=None, **words),
        ):
            with pytest.raises(BadInput, match=f"{name} is blank"):
                act(**said | {name: blank})
    with pytest.raises(BadInput, match="actor is blank"):
        hub.approve("p1", actor=blank)
    with pytest.raises(BadInput, match="actor is blank"):
        hub.resume(actor=blank)


def test_a_night_is_over_once_a_later_one_has_begun(hub: Hub) -> None:
    """It may not act again, and still knows how it ended."""
    before = DAY - timedelta(days=1)
    with hub.night(before):
        hub.nights.end(before, Ending(exit_code=0, lines=("a", "b")))
    with hub.night(DAY):
        assert hub.nights.ending(DAY) is None
    with hub.night(before) as may_act:
        assert not may_act
    assert hub.nights.ending(before) == Ending(exit_code=0, lines=("a", "b"))
    assert hub.nights.span(before) == (CUTOFF, CUTOFF)
    assert hub.nights.span(DAY) == (CUTOFF, None)


def test_a_rail_that_is_not_installed_stops_the_opening(config: Path) -> None:
    """The message names the plug-in, and the store is given back."""
    with pytest.raises(ConfigError, match="no plug-in 'lark'"):
        Hub.open(config, overrides={"rails.lark.plugin": "lark"})
