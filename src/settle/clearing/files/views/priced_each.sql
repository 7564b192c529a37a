-- Each record with its lane, its fees, and the tax on them to the fraction: the whole units below
-- it, and what is left over in millionths.
with charged_each as (
    select
        c.record_id,
        l.lane,
        l.bucket,
        l.tax_ppm,
        l.tax_minor as bucket_tax_minor,
        l.component = 'fees_explicit' as is_fee,
        c.amount_minor * l.sign as gross_minor,
        coalesce(minor(v.fee_minor), 0)
            - case when c.kind = 'refund' then 0 else c.percent_minor end as fee_minor,
        coalesce(minor(v.fee_back_minor), 0)
            + case when c.kind = 'refund' then c.percent_minor else 0 end as fee_back_minor
    from charged as c
    join lanes as l
        on l.place = c.place and l.facing = c.facing and l.kind = c.kind
        and l.currency = c.currency and l.rate_on = c.rate_on
    left join levied_each as v on v.record_id = c.record_id
),
based as (
    select
        e.*,
        cast(e.fee_minor as decimal(38, 0)) + cast(e.fee_back_minor as decimal(38, 0))
            + case when e.is_fee then cast(e.gross_minor as decimal(38, 0)) else 0 end as base_minor
    from charged_each as e
),
divided as (
    select
        b.*,
        quotient(
            abs(b.base_minor) * cast(b.tax_ppm as decimal(38, 0)), cast(1000000 as decimal(38, 0))
        ) as below
    from based as b
),
left_each as (
    select
        d.*,
        abs(d.base_minor) * cast(d.tax_ppm as decimal(38, 0))
            - d.below * cast(1000000 as decimal(38, 0)) as over
    from divided as d
)
select
    f.record_id,
    f.lane,
    f.bucket,
    f.gross_minor,
    f.fee_minor,
    f.fee_back_minor,
    f.bucket_tax_minor,
    floored(f.base_minor, f.below, f.over) as tax_floor,
    over_floor(f.base_minor, f.over, 1000000) as tax_over
from left_each as f
