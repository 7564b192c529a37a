-- What secures those debts, in the order agreed: reserve slices, the oldest first, and what is
-- left of the collateral. Where neither is agreed a debt is carried.
with pledged as (
    select
        h.agreement_id,
        h.currency,
        'reserve' as source,
        h.slice_id as source_id,
        h.window_id as since,
        h.amount_minor,
        case when a.recovery like 'collateral%' then 2 else 1 end as turn
    from held as h
    join agreements as a on a.agreement_id = h.agreement_id
    where not h.is_due and a.recovery like '%reserve%'
    union all
    select
        a.agreement_id,
        a.settlement_currency,
        'collateral',
        a.agreement_id,
        '',
        cast(a.collateral_minor as decimal(38, 0))
            - coalesce(cast(u.amount_minor as decimal(38, 0)), 0),
        case when a.recovery like 'collateral%' then 1 else 2 end
    from agreements as a
    left join collateral_used as u
        on u.agreement_id = a.agreement_id and u.currency = a.settlement_currency
    where a.recovery like '%collateral%'
),
debtors as (
    select distinct agreement_id, currency from owing
)
select
    p.*,
    row_number() over (
        partition by p.agreement_id, p.currency order by p.turn, p.since, p.source_id
    ) as nth,
    sum(cast(p.amount_minor as decimal(38, 0))) over (
        partition by p.agreement_id, p.currency order by p.turn, p.since, p.source_id
        rows between unbounded preceding and current row
    ) as upto_minor
from pledged as p
join debtors as d on d.agreement_id = p.agreement_id and d.currency = p.currency
where p.amount_minor > 0
