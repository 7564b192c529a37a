-- The tax of a bucket shared among its records, the largest remainder first and then by id, and
-- with it what each record comes to, in its own currency.
with ranked as (
    select
        p.*,
        p.bucket_tax_minor - sum(cast(p.tax_floor as decimal(38, 0))) over (
            partition by p.bucket order by p.tax_over desc, p.record_id
            rows between unbounded preceding and unbounded following
        ) as to_share,
        row_number() over (
            partition by p.bucket order by p.tax_over desc, p.record_id
        ) as turn
    from priced_each as p
),
shared_each as (
    select
        r.record_id,
        r.lane,
        r.bucket,
        r.gross_minor,
        r.fee_minor,
        r.fee_back_minor,
        minor(r.tax_floor + case when r.turn <= r.to_share then 1 else 0 end) as tax_minor
    from ranked as r
)
select
    s.*,
    cast(s.gross_minor as decimal(38, 0)) + cast(s.fee_minor as decimal(38, 0))
        + cast(s.fee_back_minor as decimal(38, 0)) + cast(s.tax_minor as decimal(38, 0))
        as net_minor
from shared_each as s
