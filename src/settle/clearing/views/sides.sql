-- The other side of every record, from the records alone: what each counterparty turned over.
with turned_over as (
    select counterparty_id, currency, kind, total(amount_minor) as amount_minor
    from records
    group by counterparty_id, currency, kind
)
select
    t.counterparty_id,
    t.currency,
    k.component,
    k.against,
    t.amount_minor * k.sign as gross_minor
from turned_over as t
join kinds as k on k.kind = t.kind
