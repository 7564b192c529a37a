-- Amounts and fees that were converted a record at a time, summed as `grossed` is.
select
    place,
    facing,
    kind,
    currency,
    rate_on,
    sum(cast(gross_minor as decimal(38, 0))) as gross_minor,
    sum(cast(fee_minor as decimal(38, 0))) as fee_minor
from singled
group by place, facing, kind, currency, rate_on
