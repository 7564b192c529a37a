-- What schedules charge each record, and what they give back for it. Signed towards the
-- participant.
select
    v.record_id,
    sum(cast(-v.fee_minor as decimal(38, 0))) filter (where v.way = 1) as fee_minor,
    sum(cast(v.fee_minor as decimal(38, 0))) filter (where v.way = -1) as fee_back_minor
from levied as v
group by v.record_id
