-- The day of the sale that each refund sought gives back: of a sound one under the same agreement,
-- in this batch or, within the horizon, in an earlier one. Where versions of it differ it is none:
-- no version may stand, and whether one does can hang on the very refunds that look for it.
with wanted as (
    select distinct original_record_id as record_id from sought
),
versions as (
    select c.record_id, min(c.content) as content, min(c.content) <> max(c.content) as differs
    from checked as c
    semi join wanted as w on w.record_id = c.record_id
    where c.fault_alone is null
    group by c.record_id
),
contested as (
    select v.record_id
    from versions as v
    left join again as g on g.record_id = v.record_id
    where not coalesce(g.is_settled, false)
        and (v.differs or coalesce(g.is_conflicted or g.content <> v.content, false))
),
sold as (
    select t.record_id, t.agreement_id, t.occurred_us
    from typed as t
    semi join wanted as w on w.record_id = t.record_id
    anti join again as g on g.record_id = t.record_id
    left join checked as c on c.row = t.row
    where t.kind = 'sale' and c.fault_alone is null
    union all
    select record_id, agreement_id, occurred_us from sold_before
)
select distinct s.row, w.window_id as original_on
from sought as s
join sold as o on o.record_id = s.original_record_id and o.agreement_id = s.agreement_id
anti join contested as x on x.record_id = s.original_record_id
join days as w on o.occurred_us >= w.starts_us and o.occurred_us < w.ends_us
where s.original_record_id <> s.record_id
