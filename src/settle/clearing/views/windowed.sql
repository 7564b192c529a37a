-- Each record in the one window that holds its instant. A record at the very cut-off is the
-- next window's: starts_us is in, ends_us is out.
select r.record_id, w.window_id
from instants as r
join windows as w on r.occurred_us >= w.starts_us and r.occurred_us < w.ends_us
