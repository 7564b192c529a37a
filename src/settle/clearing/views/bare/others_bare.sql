-- The other sides, from the records themselves: what partners and the hub owe of them. And what
-- shows whether each record counts: how many there are, and the least amount.
select
    counterparty_id,
    kind,
    currency,
    count(*) as records,
    min(amount_minor) as least_minor,
    sum(cast(amount_minor as decimal(38, 0))) as amount_minor
from typed
group by counterparty_id, kind, currency
