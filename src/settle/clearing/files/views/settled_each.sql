-- The converted amount of a bucket shared among its records, the largest remainder first and then
-- by id; or what each record was converted to by itself.
with ranked as (
    select
        c.*,
        c.converted_minor - sum(cast(c.floor_minor as decimal(38, 0))) over (
            partition by c.bucket order by c.over desc, c.record_id
            rows between unbounded preceding and unbounded following
        ) as to_share,
        row_number() over (partition by c.bucket order by c.over desc, c.record_id) as turn
    from converted_each as c
)
select
    r.record_id,
    r.lane,
    r.gross_minor,
    r.fee_minor,
    r.fee_back_minor,
    r.tax_minor,
    minor(r.net_minor) as net_minor,
    case when r.is_single
        then minor(g.settled_minor)
        else minor(r.floor_minor + case when r.turn <= r.to_share then 1 else 0 end)
    end as settled_minor
from ranked as r
left join singled_each as g on g.record_id = r.record_id
