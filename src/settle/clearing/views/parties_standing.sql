-- Who gains what beside the trade, in each currency: participants what they are paid or keep
-- standing, less what stood before; reserves, collateral and claims from their own movements.
select
    'participants' as party,
    currency,
    sum(cast(paid_minor + carried_out_minor - carried_in_minor as decimal(38, 0))) as amount_minor
from obliged
group by currency
union all
select 'reserves', currency, sum(cast(amount_minor as decimal(38, 0)))
from withheld
group by currency
union all
select 'reserves', currency, sum(cast(-amount_minor as decimal(38, 0)))
from held
where is_due
group by currency
union all
select
    case when source = 'reserve' then 'reserves' else source end,
    currency,
    sum(cast(-amount_minor as decimal(38, 0)))
from recovered
group by source, currency
union all
select 'claims', currency, sum(cast(-claimed_minor as decimal(38, 0)))
from obliged
group by currency
