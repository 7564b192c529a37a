-- Payments that no reference has explained: what a line without any reference may stand for.
select p.*
from open_payments as p
where not exists (select 1 from batch_reference as b where b.payment_id = p.payment_id)
