"""What holds of every value date, whatever the currency, the bank and the instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from settle.calendars import (
    BankCutoff,
    Convention,
    adjust,
    earliest_value_date,
    forward_date,
    is_business_day,
    is_joint_business_day,
    latest_safe_submission,
    rules,
    spot_date,
)

CODES = rules().currencies()
DAYS = st.dates(date(2012, 1, 1), date(2035, 12, 31))
INSTANTS = st.datetimes(datetime(2012, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
LEADS = st.timedeltas(timedelta(), timedelta(days=3))
PAIRS = st.sampled_from([(one, two) for one in CODES for two in CODES if one != two])
ORDERS = st.sampled_from(
    sorted(
        {
            (row.currency, row.provider, row.channel)
            for layer in rules().layers
            for row in layer.of(BankCutoff)
            if row.use == "payment"
        }
    )
)
INSTANT = timedelta(microseconds=1)
Order = tuple[str, str, str]
Pair = tuple[str, str]

PATIENT = settings(deadline=None)
"""The first question about a year loads its tables, on a busy machine slowly."""


def earliest(order: Order, at: datetime, lead: timedelta) -> date:
    currency, provider, channel = order
    answer = earliest_value_date(currency, at, provider=provider, channel=channel, lead_time=lead)
    assert answer.deadline.at >= at + lead
    return answer.value_date


@PATIENT
@given(order=ORDERS, at=INSTANTS, lead=LEADS)
def test_the_earliest_value_date_is_a_business_day(
    order: Order, at: datetime, lead: timedelta
) -> None:
    """Money never arrives on a closed day, nor before the day it is sent on anywhere."""
    found = earliest(order, at, lead)
    assert is_business_day(found, order[0])
    assert found >= (at + lead - timedelta(hours=12)).date() - timedelta(days=1)


@PATIENT
@given(order=ORDERS, at=INSTANTS, later=LEADS, lead=LEADS)
def test_ordering_later_is_never_faster(
    order: Order, at: datetime, later: timedelta, lead: timedelta
) -> None:
    """The value date does not go back as time goes on, nor as our own work takes longer."""
    assert earliest(order, at, lead) <= earliest(order, at + later, lead)
    assert earliest(order, at, timedelta()) <= earliest(order, at, lead)


@PATIENT
@given(order=ORDERS, day=DAYS, lead=LEADS)
def test_latest_submission_and_earliest_value_date_are_inverse(
    order: Order, day: date, lead: timedelta
) -> None:
    """At the last safe instant the value date is reached; one microsecond later it is not."""
    currency, provider, channel = order
    day = adjust(day, currencies=[currency])
    last = latest_safe_submission(currency, day, provider=provider, channel=channel, lead_time=lead)
    assert day == earliest(order, last.at, lead)
    assert day < earliest(order, last.at + INSTANT, lead)


@PATIENT
@given(order=ORDERS, at=INSTANTS, zone_hours=st.integers(-12, 14))
def test_the_zone_of_the_question_does_not_matter(
    order: Order, at: datetime, zone_hours: int
) -> None:
    """The same instant, said in another zone, has the same answer."""
    elsewhere = at.astimezone(timezone(timedelta(hours=zone_hours)))
    assert earliest(order, at, timedelta()) == earliest(order, elsewhere, timedelta())


@PATIENT
@given(order=ORDERS, at=INSTANTS)
def test_an_answer_tells_every_rule_it_used(order: Order, at: datetime) -> None:
    """Each step has a source, and the answer is as sure as the least sure of them."""
    currency, provider, channel = order
    answer = earliest_value_date(currency, at, provider=provider, channel=channel)
    assert all(step.text and step.rule and step.source for step in answer.steps)
    assert answer.certainty in {step.certainty for step in answer.steps}
    assert answer.decided_by in answer.steps
    assert str(answer.value_date) in answer.steps[-1].text


@PATIENT
@given(day=DAYS, pair=PAIRS, convention=st.sampled_from(Convention))
def test_an_adjusted_day_is_open_and_adjusting_again_changes_nothing(
    day: date, pair: Pair, convention: Convention
) -> None:
    """Every convention gives a joint business day, and leaves such a day alone."""
    found = adjust(day, currencies=pair, convention=convention)
    assert is_joint_business_day(found, currencies=pair)
    assert found == adjust(found, currencies=pair, convention=convention)
    if convention in {Convention.MODIFIED_FOLLOWING, Convention.MODIFIED_PRECEDING}:
        assert (day.year, day.month) == (found.year, found.month)


@PATIENT
@given(day=DAYS, pair=PAIRS, months=st.integers(0, 12), ends=st.sampled_from([True, False]))
def test_a_forward_stays_in_the_month_it_was_counted_to(
    day: date, pair: Pair, months: int, *, ends: bool
) -> None:
    """Months are added to the month, and modified following never leaves it."""
    found = forward_date(day, months=months, currencies=pair, end_to_end=ends)
    counted = day.year * 12 + day.month + months
    assert counted == found.year * 12 + found.month
    assert is_joint_business_day(found, currencies=pair)


@PATIENT
@given(day=DAYS, pair=PAIRS, lag=st.none() | st.integers(0, 3))
def test_spot_is_open_in_both_and_in_usd(day: date, pair: Pair, lag: int | None) -> None:
    """Whatever the lag, value is on a day when both currencies and USD are open."""
    answer = spot_date(*pair, day, lag=lag)
    assert is_joint_business_day(answer.value_date, currencies=[*pair, "USD"])
    assert answer.value_date.weekday() < 5
    assert answer.value_date >= answer.trade_date + timedelta(days=answer.lag * (lag is not None))


@PATIENT
@given(day=DAYS, pair=PAIRS, later=st.integers(0, 10))
def test_spot_is_the_same_both_ways_and_never_goes_back(day: date, pair: Pair, later: int) -> None:
    """EUR/USD settles with USD/EUR, and a later trade settles no earlier."""
    one, two = pair
    found = spot_date(one, two, day).value_date
    assert found == spot_date(two, one, day).value_date
    assert found <= spot_date(one, two, day + timedelta(days=later)).value_date


@PATIENT
@given(day=DAYS, pair=PAIRS)
def test_a_cross_settles_no_earlier_than_its_currencies_do_against_usd(
    day: date, pair: Pair
) -> None:
    """The later spot date of the two is the first that a cross may have."""
    cross = spot_date(*pair, day).value_date
    assert all(cross >= spot_date(code, "USD", day).value_date for code in pair if code != "USD")


@PATIENT
@given(at=INSTANTS, pair=PAIRS)
def test_a_trade_date_is_a_weekday_near_its_instant(at: datetime, pair: Pair) -> None:
    """An instant's trade day is the day in progress somewhere, or Monday after a weekend."""
    traded = spot_date(*pair, at).trade_date
    assert traded.weekday() < 5
    assert timedelta(days=-1) <= traded - at.date() <= timedelta(days=3)
