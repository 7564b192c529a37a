-- Each suspect with what becomes of it by itself and beside others of its id, and why.
select
    c.*,
    case
        when c.fault is not null then 'quarantined'
        when k.is_settled and c.content = k.content then 'duplicate'
        when k.is_settled or d.record_id is not null then 'quarantined'
        when k.content is not null or c.row <> i.row_first then 'duplicate'
        else 'accepted'
    end as verdict,
    case
        when c.fault is not null then c.fault
        when k.is_settled and c.content <> k.content then 'conflict_after_close'
        when d.record_id is not null then 'conflict'
    end as reason
from traced as c
left join ids as i on i.record_id = c.record_id and c.fault is null
left join known as k on k.record_id = c.record_id and c.fault is null
left join disputed as d on d.record_id = c.record_id and c.fault is null
