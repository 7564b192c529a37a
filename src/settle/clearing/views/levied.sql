-- What schedules take for each record (way 1), and what they give back (way -1): flat rules a
-- record by itself, the others as they add up. What is given back is only so where the rule says
-- so, is never above the maximum that was taken, and has no fixed part.
with flat as (
    select
        r.*,
        portion_of(cast(r.amount_minor as decimal(38, 0)), t.ppm, r.rounding)
            + case when r.way = 1 then t.fixed_minor else 0 end as fee_minor
    from ruled as r
    join fee_tiers as t on t.rule_id = r.rule_id
    where not r.is_counted and (r.way = 1 or r.back_on_refund)
)
select
    record_id,
    counterparty_id,
    place,
    facing,
    kind,
    currency,
    rate_on,
    way,
    case
        when way = 1 and fee_minor < minimum_minor then cast(minimum_minor as decimal(38, 0))
        when fee_minor > maximum_minor then cast(maximum_minor as decimal(38, 0))
        else fee_minor
    end as fee_minor
from flat
union all
select * from tiered
