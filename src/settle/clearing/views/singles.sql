-- Amounts and fees that were converted a record at a time, summed a bucket.
select
    place,
    part,
    pair,
    sum(cast(gross_minor as decimal(38, 0))) as gross_minor,
    sum(cast(fee_minor as decimal(38, 0))) as fee_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0)))
        filter (where component in ('sales', 'refunds')), 0) as turnover_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0)))
        filter (where component = 'fees_explicit'), 0) as explicit_minor
from singled
group by place, part, pair
