-- What each position still owes us after set-off, and how far along its agreement's line of
-- debts it stands: parts in order.
with relieved as (
    select taker as agreement_id, currency, sum(cast(amount_minor as decimal(38, 0))) as amount_minor
    from set_off
    group by taker, currency
),
rests as (
    select
        s.agreement_id,
        s.part,
        s.currency,
        -s.due_minor - coalesce(r.amount_minor, 0) as amount_minor
    from standing as s
    left join relieved as r
        on r.agreement_id = s.agreement_id and r.currency = s.currency and s.part = ''
    where s.due_minor < 0
)
select
    o.*,
    sum(cast(o.amount_minor as decimal(38, 0))) over (
        partition by o.agreement_id, o.currency order by o.part
        rows between unbounded preceding and current row
    ) as upto_minor
from rests as o
where o.amount_minor > 0
