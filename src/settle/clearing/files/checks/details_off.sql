-- Sets whose lines do not sum to each row of the summary that has a rate, or are not as many; or in
-- which a line's net is not what stands before it, or its rate not that of its bucket.
with lines as (
    select
        d.set_id,
        coalesce(d.part, '') as part,
        d.currency,
        coalesce(d.rate_id, '') as rate_id,
        k.component as of_kind,
        d.amount_minor,
        d.fee_minor,
        d.fee_back_minor,
        d.tax_minor,
        d.net_minor,
        d.settled_minor
    from details as d
    join kinds as k on k.kind = d.kind
),
parts as (
    select set_id, part, currency, rate_id, of_kind as component, amount_minor, 0 as settled_minor
    from lines
    union all
    select set_id, part, currency, rate_id, 'fees_percent', fee_minor, 0
    from lines where fee_minor <> 0
    union all
    select set_id, part, currency, rate_id, 'fees_back', fee_back_minor, 0
    from lines where fee_back_minor <> 0
    union all
    select set_id, part, currency, rate_id, 'tax', tax_minor, 0
    from lines where tax_minor <> 0
    union all
    select set_id, part, currency, rate_id, 'net', net_minor, settled_minor
    from lines
),
summed as (
    select
        set_id, part, currency, rate_id, component,
        count(*) as records,
        sum(cast(amount_minor as decimal(38, 0))) as amount_minor,
        sum(cast(settled_minor as decimal(38, 0))) as settled_minor
    from parts
    group by set_id, part, currency, rate_id, component
),
told as (
    select
        set_id, coalesce(part, '') as part, currency, rate_id, component,
        count(*) as times,
        sum(cast(records as decimal(38, 0))) as records,
        sum(cast(amount_minor as decimal(38, 0))) as amount_minor,
        sum(cast(coalesce(settled_minor, 0) as decimal(38, 0))) as settled_minor
    from summary
    where coalesce(rate_id, '') <> ''
    group by set_id, part, currency, rate_id, component
)
select distinct coalesce(t.set_id, s.set_id) as set_id
from told as t
full join summed as s using (set_id, part, currency, rate_id, component)
where
    t.times is distinct from 1
    or t.records is distinct from s.records
    or t.amount_minor is distinct from s.amount_minor
    or t.settled_minor is distinct from s.settled_minor
union
select set_id
from details
where
    cast(net_minor as decimal(38, 0)) <> cast(amount_minor as decimal(38, 0))
        + cast(fee_minor as decimal(38, 0)) + cast(fee_back_minor as decimal(38, 0))
        + cast(tax_minor as decimal(38, 0))
union
select d.set_id
from details as d
left join summary as r
    on r.set_id = d.set_id
    and coalesce(r.part, '') = coalesce(d.part, '')
    and r.currency = d.currency
    and coalesce(r.rate_id, '') = coalesce(d.rate_id, '')
    and r.component = 'net'
where r.rate_e8 is distinct from d.rate_e8
