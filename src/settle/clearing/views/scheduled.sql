-- The fees of schedules, summed as `grossed` is.
select
    place,
    facing,
    kind,
    currency,
    rate_on,
    coalesce(sum(cast(fee_minor as decimal(38, 0))) filter (where way = 1), 0) as taken_minor,
    coalesce(sum(cast(fee_minor as decimal(38, 0))) filter (where way = -1), 0) as back_minor
from levied
group by place, facing, kind, currency, rate_on
