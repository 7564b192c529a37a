-- What earlier batches made of these ids: accepted with which content, settled, or in conflict.
select
    i.record_id,
    case when not a.is_conflicted then a.batch_id end as batch_id,
    case when not a.is_conflicted then a.content end as content,
    coalesce(a.is_settled, false) as is_settled,
    coalesce(a.is_conflicted, false) as is_conflicted
from ids as i
left join again as a on a.record_id = i.record_id
