-- Lines that carry a reference of ours, beside the payment it names.
-- `named` says how many payments a line's references name: more than one, and it proves nothing.
with pairs as (
    select distinct l.line_id, p.payment_id
    from line_references as l
    join payment_references as p on p.rail = l.rail and p.reference = l.reference
),
counted as (
    select line_id, count(*) as named, min(payment_id) as first_payment_id
    from pairs
    group by line_id
)
select
    l.line_id, l.line_ref, l.booked_on, l.kind, l.amount_minor as line_minor, l.charges_minor, l.exchanged,
    l.account as line_account, l.currency as line_currency,
    c.named, p.payment_id, p.account, p.currency, p.amount_minor as payment_minor,
    p.state, p.booked, p.returned
from counted as c
join lines as l on l.line_id = c.line_id
join payments as p on p.payment_id = c.first_payment_id
