"""In which window a record is: a pure function of the instant it occurred at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from settle.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT = time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """The local time in `zone` at which a day's window ends. Midnight ends the day itself.

    A window of day D is `[end of D-1, end of D)`: an event at the very instant of the cut-off
    belongs to the next window. Where a clock change skips or repeats the local time, the
    window ends at the instant that the offset before the change gives.
    """

    zone: str = "Asia/Shanghai"
    time: time = _MIDNIGHT

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, KeyError):
            raise ConfigError(f"{self.zone!r} is not a time zone", key="zone") from None

    def ends_at(self, day: date) -> datetime:
        """The first instant that is no longer in the window of `day`, in UTC."""
        ends_on = day + _DAY if self.time == _MIDNIGHT else day
        local = datetime.combine(ends_on, self.time, tzinfo=ZoneInfo(self.zone))
        return local.astimezone(UTC)


def window_of(occurred_at: datetime, cutoff: Cutoff) -> date:
    """The day whose window holds the instant. This puts every instant in exactly one."""
    assert occurred_at.tzinfo is not None, "an instant has a zone"
    day = occurred_at.astimezone(ZoneInfo(cutoff.zone)).date() - _DAY
    while cutoff.ends_at(day) <= occurred_at:
        day += _DAY
    return day


def microseconds(instant: datetime) -> int:
    """The instant as microseconds since 1970: what columns and views compare."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(occurred_us: int) -> datetime:
    """Microseconds since 1970 as an instant in UTC. This undoes `microseconds`."""
    return _EPOCH + timedelta(microseconds=occurred_us)


def windows_table(first: date, last: date, *, cutoff: Cutoff) -> pa.Table:
    """The windows from `first` to `last`: columns `window_id, starts_us, ends_us`.

    This is the calendar that views join; it holds the same instants as `window_of`.
    """
    import pyarrow as pa

    days = [first + _DAY * n for n in range((last - first).days + 1)]
    ends = [microseconds(cutoff.ends_at(day)) for day in (first - _DAY, *days)]
    return pa.table(
        {
            "window_id": pa.array([day.isoformat() for day in days], pa.string()),
            "starts_us": pa.array(ends[:-1], pa.int64()),
            "ends_us": pa.array(ends[1:], pa.int64()),
        }
    )


def windows_by_utc_day(first: date, last: date, *, cutoff: Cutoff) -> pa.Table:
    """The same windows, a row for each day of UTC that one touches: `utc_day` and their columns.

    A view that joins on equal days and then compares finds an instant's window among two or
    three, not among all.
    """
    import pyarrow as pa

    windows = windows_table(first, last, cutoff=cutoff).to_pylist()
    rows = [
        {"utc_day": utc_day, **window}
        for window in windows
        for utc_day in range(window["starts_us"] // _DAY_US, -(-window["ends_us"] // _DAY_US))
    ]
    schema = pa.schema(
        [("utc_day", pa.int64()), ("window_id", pa.string()), ("starts_us", pa.int64()),
         ("ends_us", pa.int64())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)
