-- What became of each id that came before.
select
    h.record_id,
    min(h.batch_id) filter (where not h.is_conflict) as batch_id,
    min(h.content) filter (where not h.is_conflict) as content,
    bool_or(s.record_id is not null) as is_settled,
    bool_or(h.is_conflict or w.record_id is not null) as is_conflicted
from hits as h
left join (select distinct record_id from settled_all) as s on s.record_id = h.record_id
left join withdrawn as w on w.record_id = h.record_id
group by h.record_id
