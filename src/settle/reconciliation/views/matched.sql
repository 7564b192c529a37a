-- One row for each payment and leg that a line of this run explains.
select
    b.line_id, b.payment_id, b.pass, 'booking' as leg, p.amount_minor, 0 as charges_minor, p.state
from bookings as b
join payments as p on p.payment_id = b.payment_id
union all
select
    r.line_id, r.payment_id, 'return_reference' as pass, 'return' as leg, l.amount_minor,
    p.amount_minor - l.amount_minor as charges_minor, p.state
from return_reference as r
join payments as p on p.payment_id = r.payment_id
join lines as l on l.line_id = r.line_id
