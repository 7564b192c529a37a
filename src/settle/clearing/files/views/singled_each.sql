-- What each record came to where it was converted by itself; the tax of the bucket is shared
-- likewise.
with summed as (
    select
        s.record_id,
        l.bucket,
        l.single_tax_minor,
        sum(cast(s.gross_minor as decimal(38, 0))) as gross_minor,
        sum(cast(s.fee_minor as decimal(38, 0))) as fee_minor,
        sum(cast(s.fee_minor as decimal(38, 0)))
            + coalesce(sum(cast(s.gross_minor as decimal(38, 0)))
                filter (where l.component = 'fees_explicit'), 0) as base_minor,
        min(l.tax_ppm) as tax_ppm
    from singled as s
    join lanes as l
        on l.place = s.place and l.facing = s.facing and l.kind = s.kind
        and l.currency = s.currency and l.rate_on = s.rate_on
    where l.is_single
    group by s.record_id, l.bucket, l.single_tax_minor
),
divided as (
    select
        d.*,
        quotient(
            abs(d.base_minor) * cast(d.tax_ppm as decimal(38, 0)), cast(1000000 as decimal(38, 0))
        ) as below
    from summed as d
),
left_each as (
    select
        d.*,
        abs(d.base_minor) * cast(d.tax_ppm as decimal(38, 0))
            - d.below * cast(1000000 as decimal(38, 0)) as over
    from divided as d
),
floored as (
    select
        f.*,
        floored(f.base_minor, f.below, f.over) as tax_floor,
        over_floor(f.base_minor, f.over, 1000000) as tax_over
    from left_each as f
),
ranked as (
    select
        f.*,
        f.single_tax_minor - sum(cast(f.tax_floor as decimal(38, 0))) over (
            partition by f.bucket order by f.tax_over desc, f.record_id
            rows between unbounded preceding and unbounded following
        ) as to_share,
        row_number() over (
            partition by f.bucket order by f.tax_over desc, f.record_id
        ) as turn
    from floored as f
)
select
    r.record_id,
    r.gross_minor + r.fee_minor
        + r.tax_floor + case when r.turn <= r.to_share then 1 else 0 end as settled_minor
from ranked as r
