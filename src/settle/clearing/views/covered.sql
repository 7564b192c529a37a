-- Each position with what was set off and recovered, and the rest that this leaves.
with exchanged as (
    select taker as agreement_id, currency, amount_minor from set_off
    union all
    select giver, currency, -amount_minor from set_off
),
set_offs as (
    select agreement_id, currency, sum(cast(amount_minor as decimal(38, 0))) as amount_minor
    from exchanged
    group by agreement_id, currency
),
taken as (
    select
        agreement_id,
        part,
        currency,
        sum(cast(case when source = 'reserve' then amount_minor else 0 end as decimal(38, 0)))
            as reserve_recovered_minor,
        sum(cast(case when source = 'collateral' then amount_minor else 0 end as decimal(38, 0)))
            as collateral_used_minor
    from recovered
    group by agreement_id, part, currency
)
select
    s.*,
    coalesce(o.amount_minor, 0) as set_off_minor,
    coalesce(t.reserve_recovered_minor, 0) as reserve_recovered_minor,
    coalesce(t.collateral_used_minor, 0) as collateral_used_minor,
    s.due_minor + coalesce(o.amount_minor, 0) + coalesce(t.reserve_recovered_minor, 0)
        + coalesce(t.collateral_used_minor, 0) as rest_minor
from standing as s
left join set_offs as o
    on o.agreement_id = s.agreement_id and o.currency = s.currency and s.part = ''
left join taken as t
    on t.agreement_id = s.agreement_id and t.part = s.part and t.currency = s.currency
