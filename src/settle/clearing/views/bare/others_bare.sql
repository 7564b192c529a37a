-- The other sides together, from the records themselves: what partners and the hub owe of them. And
-- what shows whether each record counts: how many there are, and the least amount, above zero.
select
    kind,
    currency,
    count(*) as records,
    min(coalesce(amount_minor, 0)) as least_minor,
    total(amount_minor) as amount_minor
from typed
group by kind, currency
