-- Each reserve slice that is still held, and whether its day has come: its own, or where the
-- reserve is a fixed one, some days after the agreement was terminated.
select
    s.slice_id,
    s.agreement_id,
    s.part,
    s.currency,
    s.window_id,
    cast(s.amount_minor as decimal(38, 0)) as amount_minor,
    coalesce(coalesce(s.release_on, t.release_on) <= d.day, false) as is_due
from slices as s
cross join today as d
join agreements as a on a.agreement_id = s.agreement_id
left join terminations as t
    on t.terminated_on = a.terminated_on
    and t.currency = s.currency
    and t.reserve_days = a.reserve_days
