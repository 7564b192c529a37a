-- The other side of every record, from the records alone: what each counterparty turned over.
select
    r.counterparty_id,
    r.currency,
    k.component,
    k.against,
    sum(cast(r.amount_minor as decimal(38, 0))) * min(k.sign) as gross_minor
from records as r
join kinds as k on k.kind = r.kind
group by r.counterparty_id, r.currency, k.component, k.against, k.kind
