-- The one pass over all records: what each agreement turned over, by facing party, kind,
-- currency and the day whose rate is asked for. `place` is the agreement's row, which is shorter
-- than its id.
select
    place,
    facing,
    kind,
    currency,
    rate_on,
    count(*) as records,
    total(amount_minor) as amount_minor,
    total(percent_minor) as percent_minor
from charged
group by place, facing, kind, currency, rate_on
