-- Who gains what by the trade itself, in each currency: partners, adjustments and explicit fees
-- from the records, percent fees from what was summed before buckets were made, tax and the FX
-- position from the buckets. None is what is left over.
with traded as (
    select
        c.currency,
        c.settlement_currency,
        sum(cast(c.tax_minor as decimal(38, 0))) as tax_minor,
        sum(cast(c.net_minor as decimal(38, 0))) as net_minor,
        sum(cast(c.converted_minor as decimal(38, 0))) as converted_minor,
        sum(cast(c.fx_result_minor as decimal(38, 0))) as fx_result_minor,
        sum(cast(c.rounding_result_minor as decimal(38, 0))) as rounding_result_minor
    from passed_on as c
    group by c.currency, c.settlement_currency
)
select 'partners' as party, currency, sum(cast(-gross_minor as decimal(38, 0))) as amount_minor
from sides
where against = 'partner'
group by currency
union all
select component, currency, sum(cast(-gross_minor as decimal(38, 0)))
from sides
where against = 'hub'
group by component, currency
union all
select
    'fees_percent', currency,
    sum(cast(case when kind = 'refund' then -percent_minor else percent_minor end
        as decimal(38, 0)))
from grossed
group by currency
union all
select 'fees_percent', currency, sum(cast(taken_minor - back_minor as decimal(38, 0)))
from scheduled
group by currency
union all
select
    'fees_fixed', a.settlement_currency,
    sum(cast(g.records * a.fee_fixed_minor as decimal(38, 0)))
from grossed as g
join agreements as a on a.place = g.place
where g.kind = 'sale' and coalesce(a.fee_schedule, '') = ''
group by a.settlement_currency
union all
select 'tax', currency, sum(cast(-tax_minor as decimal(38, 0)))
from traded
group by currency
union all
select 'tax', currency, sum(cast(-tax_fixed_minor as decimal(38, 0)))
from fixed
group by currency
union all
select 'fx_position', currency, sum(cast(net_minor as decimal(38, 0)))
from traded
where currency <> settlement_currency
group by currency
union all
select
    'fx_position', settlement_currency,
    sum(cast(-converted_minor - fx_result_minor - rounding_result_minor as decimal(38, 0)))
from traded
where currency <> settlement_currency
group by settlement_currency
union all
select 'fx_result', settlement_currency, sum(cast(fx_result_minor as decimal(38, 0)))
from traded
where currency <> settlement_currency
group by settlement_currency
union all
select 'rounding', settlement_currency, sum(cast(rounding_result_minor as decimal(38, 0)))
from traded
where currency <> settlement_currency
group by settlement_currency
union all
select 'partners', currency, sum(cast(amount_minor as decimal(38, 0)))
from shared
group by currency
union all
select component, currency, sum(cast(-amount_minor as decimal(38, 0)))
from shared
group by component, currency
