-- Sets whose summary does not add up: components to what was converted, all of it to the TOTAL,
-- and that to its ends; each part has one TOTAL.
with rows_told as (
    select
        r.set_id,
        coalesce(r.part, '') as part,
        r.currency,
        coalesce(r.rate_id, '') as rate_id,
        r.component,
        b.stands,
        cast(r.amount_minor as decimal(38, 0)) as amount_minor,
        cast(coalesce(r.settled_minor, 0) as decimal(38, 0)) as settled_minor
    from summary as r
    join stands as b on b.component = r.component
),
buckets as (
    select set_id
    from rows_told
    where stands = 'net' or (stands = 'bucket' and rate_id <> '')
    group by set_id, part, currency, rate_id
    having sum(case when stands = 'net' then -amount_minor else amount_minor end) <> 0
),
totals as (
    select set_id
    from rows_told
    where stands in ('net', 'own', 'rest', 'end')
    group by set_id, part
    having
        count(*) filter (where stands = 'rest') <> 1
        or sum(case
            when stands in ('net', 'own') then settled_minor
            when stands = 'rest' then -settled_minor
            else 0
        end) <> 0
        or sum(case
            when stands = 'end' then settled_minor
            when stands = 'rest' then -settled_minor
            else 0
        end) <> 0
)
select set_id from buckets
union
select set_id from totals
union
select set_id
from summary
group by set_id
having count(*) filter (where component = 'rest') = 0
