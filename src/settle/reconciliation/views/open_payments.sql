-- Payments that a booking may still explain: sent, not refused, and not booked by any line.
-- `is_known`: its rail has said what became of it.
select
    p.payment_id, p.rail, p.account, p.currency, p.amount_minor, p.batch_id, p.value_date, p.party,
    case when p.state in ('sending', 'unknown') then 0 else 1 end as is_known
from payments as p
where not p.booked
    and p.state not in ('rejected', 'cancelled', 'planned', 'scheduled', 'approved')
    and not exists (select 1 from exact_reference as e where e.payment_id = p.payment_id)
