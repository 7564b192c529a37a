-- The payments that a line may speak of, each with the legs that earlier lines explain already.
select
    p.payment_id, p.rail, p.account, p.currency, p.amount_minor, p.end_to_end_id, p.uetr,
    p.idempotency_key, p.batch_id, p.state, p.value_date,
    replace(replace(replace(upper(coalesce(p.beneficiary_name, '')), ' ', ''), '.', ''), ',', '')
        as party,
    exists (select 1 from taken as t where t.payment_id = p.payment_id and t.leg = 'booking')
        as booked,
    exists (select 1 from taken as t where t.payment_id = p.payment_id and t.leg = 'return')
        as returned
from given_payments as p
