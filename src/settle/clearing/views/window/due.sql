-- What settles in this window, and whether it is late: the window in which it was to settle was
-- closed, or passed over, before it came.
select
    r.*,
    case when r.settles_in = c.window_id then 'on_time' else 'late' end as reason
from sifted as r
cross join closing as c
where r.settles_in <= c.window_id and r.left_out is null
