-- Who gains what in each currency. Each party is computed from its own facts, never as what is
-- left over: participants from positions, partners, fees and adjustments from the records, tax
-- and the FX position from the buckets, reserves from the positions.
select 'participants' as party, currency, sum(cast(net_minor as decimal(38, 0))) as amount_minor
from standing
group by currency
union all
select
    'reserves', currency,
    sum(cast(-reserve_withheld_minor - reserve_released_minor as decimal(38, 0)))
from standing
group by currency
union all
select 'partners', currency, sum(cast(-gross_minor as decimal(38, 0)))
from charged
where against = 'partner'
group by currency
union all
select component, currency, sum(cast(-gross_minor as decimal(38, 0)))
from charged
where against = 'hub'
group by component, currency
union all
select
    'fees_percent', currency,
    sum(cast(case when component = 'sales' then percent_minor else -percent_minor end
        as decimal(38, 0)))
from charged
group by currency
union all
select 'fees_fixed', settlement_currency, sum(cast(fixed_minor as decimal(38, 0)))
from charged
group by settlement_currency
union all
select 'tax', currency, sum(cast(-tax_minor as decimal(38, 0)))
from taxed
group by currency
union all
select 'tax', a.settlement_currency, sum(cast(-f.tax_fixed_minor as decimal(38, 0)))
from fixed as f
join agreements as a on a.agreement_id = f.agreement_id
group by a.settlement_currency
union all
select 'fx_position', currency, sum(cast(net_minor as decimal(38, 0)))
from converted
where currency <> settlement_currency
group by currency
union all
select 'fx_position', settlement_currency, sum(cast(-converted_minor as decimal(38, 0)))
from converted
where currency <> settlement_currency
group by settlement_currency
