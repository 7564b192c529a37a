-- Ids of which versions differ while none is settled: no version of them can stand.
select
    i.record_id,
    case when not k.is_conflicted then k.batch_id end as withdrawn_from
from ids as i
join known as k on k.record_id = i.record_id
where not k.is_settled
    and (i.differs or k.is_conflicted or coalesce(k.content <> i.content, false))
