-- Every reference under which a payment may come back from its rail: one row each.
select distinct named.payment_id, named.rail, named.reference
from (
    select payment_id, rail, payment_id as reference from payments
    union all
    select payment_id, rail, end_to_end_id as reference from payments
    union all
    select payment_id, rail, uetr as reference from payments
    union all
    select payment_id, rail, idempotency_key as reference from payments
) as named
where named.reference is not null and named.reference <> ''
