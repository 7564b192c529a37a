"""Business days, cut-offs and value dates, per currency, with the rule that decided each."""

from settle.calendars.answers import Answer, SafeSubmission, SpotDate, Step, ValueDate
from settle.calendars.business_days import (
    add_business_days,
    is_business_day,
    next_business_day,
    subtract_business_days,
)
from settle.calendars.certainty import Certainty, weakest
from settle.calendars.closing_days import (
    DayFact,
    closing_days,
    read_calendars,
    why_closed,
    why_open,
    working_weekends,
)
from settle.calendars.conventions import (
    Convention,
    adjust,
    forward_date,
    is_joint_business_day,
)
from settle.calendars.day_rules import DayRule
from settle.calendars.deadlines import Deadline
from settle.calendars.packs import Layer, RulePack, load_pack, rules
from settle.calendars.rows import (
    BankCutoff,
    Closing,
    HalfDay,
    HolidayList,
    Opening,
    Row,
    Rtgs,
    SpotLag,
    TradeDay,
)
from settle.calendars.spot import spot_date, trade_date
from settle.calendars.value_dates import (
    earliest_value_date,
    latest_safe_conversion,
    latest_safe_submission,
)

__all__ = [
    "Answer",
    "BankCutoff",
    "Certainty",
    "Closing",
    "Convention",
    "DayFact",
    "DayRule",
    "Deadline",
    "HalfDay",
    "HolidayList",
    "Layer",
    "Opening",
    "Row",
    "Rtgs",
    "RulePack",
    "SafeSubmission",
    "SpotDate",
    "SpotLag",
    "Step",
    "TradeDay",
    "ValueDate",
    "add_business_days",
    "adjust",
    "closing_days",
    "earliest_value_date",
    "forward_date",
    "is_business_day",
    "is_joint_business_day",
    "latest_safe_conversion",
    "latest_safe_submission",
    "load_pack",
    "next_business_day",
    "read_calendars",
    "rules",
    "spot_date",
    "subtract_business_days",
    "trade_date",
    "weakest",
    "why_closed",
    "why_open",
    "working_weekends",
]
