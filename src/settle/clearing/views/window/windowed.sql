-- Each record with its own day: the one window that holds its instant. A record at the very
-- cut-off is the next window's: starts_us is in, ends_us is out.
select r.*, w.window_id as occurred_window
from fresh as r
join windows as w
    on w.utc_day = utc_day(r.occurred_at)
    and micros(r.occurred_at) >= w.starts_us
    and micros(r.occurred_at) < w.ends_us
