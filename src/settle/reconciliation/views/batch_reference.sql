-- Pass 3a: a debit that names a batch of ours, with the batch's own count and sum.
with batches as (
    select
        rail, account, currency, batch_id, count(*) as payments,
        sum(cast(amount_minor as decimal(38, 0))) as total_minor
    from open_payments
    where batch_id is not null
    group by rail, account, currency, batch_id
),
ranked as (
    select
        l.line_id, b.batch_id, b.rail, b.account, b.currency,
        row_number() over (
            partition by b.rail, b.account, b.currency, b.batch_id
            order by l.booked_on, l.line_ref, l.line_id
        ) as place
    from lines as l
    join batches as b
        on b.rail = l.rail
        and b.account = l.account
        and b.currency = l.currency
        and b.batch_id = l.batch_id
        and b.total_minor = -cast(l.amount_minor as decimal(38, 0))
        and (b.payments = l.batch_count or l.batch_count = 0)
    where not exists (select 1 from linked as k where k.line_id = l.line_id)
)
select r.line_id, p.payment_id
from ranked as r
join open_payments as p
    on p.rail = r.rail
    and p.account = r.account
    and p.currency = r.currency
    and p.batch_id = r.batch_id
where r.place = 1
