-- What could explain a debit that carries no reference: one payment of its amount, value date
-- and party; one of the batches we sent for that day; or all we sent for that day.
-- One row for each payment of each explanation.
with bare as (
    select l.*
    from lines as l
    where l.amount_minor < 0
        and l.kind = 'transfer'
        and l.end_to_end_id is null
        and l.uetr is null
        and l.batch_id is null
        and not exists (select 1 from linked as k where k.line_id = l.line_id)
        and not exists (select 1 from receipts as r where r.line_id = l.line_id)
),
batches as (
    select
        rail, account, currency, value_date, batch_id, count(*) as payments,
        sum(cast(amount_minor as decimal(38, 0))) as total_minor
    from left_payments
    where batch_id is not null
    group by rail, account, currency, value_date, batch_id
    having count(*) > 1
),
days as (
    select
        rail, account, currency, value_date, count(*) as payments,
        sum(cast(amount_minor as decimal(38, 0))) as total_minor
    from left_payments
    group by rail, account, currency, value_date
    having count(*) > 1
        and (count(batch_id) < count(*) or count(distinct batch_id) > 1)
)
select
    l.line_id, 'amount_date_party' as pass, p.payment_id as explanation, p.payment_id, p.is_known
from bare as l
join left_payments as p
    on p.rail = l.rail
    and p.account = l.account
    and p.currency = l.currency
    and p.value_date = l.value_on
    and p.amount_minor = -l.amount_minor
    and (
        l.party = '' or p.party = ''
        or substr(p.party, 1, length(l.party)) = l.party
        or substr(l.party, 1, length(p.party)) = p.party
    )
where l.batch_count in (0, 1)
union all
select l.line_id, 'batch_unique' as pass, b.batch_id as explanation, p.payment_id, p.is_known
from bare as l
join batches as b
    on b.rail = l.rail
    and b.account = l.account
    and b.currency = l.currency
    and b.value_date = l.value_on
    and b.total_minor = -cast(l.amount_minor as decimal(38, 0))
    and (b.payments = l.batch_count or l.batch_count = 0)
join left_payments as p
    on p.rail = b.rail
    and p.account = b.account
    and p.currency = b.currency
    and p.value_date = b.value_date
    and p.batch_id = b.batch_id
where l.batch_count <> 1
union all
select
    l.line_id, 'batch_unique' as pass, 'all of the day' as explanation, p.payment_id, p.is_known
from bare as l
join days as d
    on d.rail = l.rail
    and d.account = l.account
    and d.currency = l.currency
    and d.value_date = l.value_on
    and d.total_minor = -cast(l.amount_minor as decimal(38, 0))
    and (d.payments = l.batch_count or l.batch_count = 0)
join left_payments as p
    on p.rail = d.rail
    and p.account = d.account
    and p.currency = d.currency
    and p.value_date = d.value_date
where l.batch_count <> 1
