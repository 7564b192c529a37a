"""Figures as people read them: grouped digits, the currency's own decimals, exact percentages."""

from __future__ import annotations

from datetime import UTC, date, datetime

from settle.money import plain

MINUS = "−"
DASH = "–"


def amount(amount_minor: int, currency: str) -> str:
    """An amount with thousands separators, `−1,234.50`. This never shows the currency's code."""
    whole, point, decimals = plain(abs(amount_minor), currency).partition(".")
    sign = MINUS if amount_minor < 0 else ""
    return f"{sign}{int(whole):,}{point}{decimals}"


def money(amount_minor: int, currency: str) -> str:
    """An amount with its currency before it, `EUR 1,234.50`."""
    return f"{currency}\u00a0{amount(amount_minor, currency)}"


def count(number: int) -> str:
    """A count with thousands separators."""
    return f"{number:,}".replace("-", MINUS)


def share(part: int, whole: int) -> str:
    """A part of a whole as a percentage of two decimals. This is cut, never rounded up to 100."""
    if whole <= 0:
        return DASH
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02}\u00a0%"


def instant(at: datetime) -> str:
    """An instant in UTC to the second, as a person reads it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def day(on: date) -> str:
    """A day with its weekday, for headings."""
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{names[on.weekday()]} {on.isoformat()}"


def plural(number: int, one: str, many: str = "") -> str:
    """A count with its noun, `1 payment`, `1,204 payments`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
