"""Business days, per currency."""

from settle.calendars.business_days import (
    add_business_days,
    is_business_day,
    next_business_day,
)
from settle.calendars.closing_days import closing_days

__all__ = [
    "add_business_days",
    "closing_days",
    "is_business_day",
    "next_business_day",
]
