-- The one pass over all records: what each agreement turned over, by facing party, kind,
-- currency and the day whose rate is asked for. `place` is the agreement's row, which is shorter than its id.
select
    place,
    facing,
    kind,
    currency,
    rate_on,
    count(*) as records,
    sum(cast(amount_minor as decimal(38, 0))) as amount_minor,
    sum(cast(percent_minor as decimal(38, 0))) as percent_minor
from charged
group by place, facing, kind, currency, rate_on
