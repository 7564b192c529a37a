-- What earlier batches made of these ids: accepted with which content, settled, or in conflict.
select
    i.record_id,
    a.batch_id,
    a.content,
    s.record_id is not null as is_settled,
    c.record_id is not null as is_conflicted
from ids as i
left join accepted_before as a on a.record_id = i.record_id
left join settled_before as s on s.record_id = i.record_id
left join conflicted_before as c on c.record_id = i.record_id
