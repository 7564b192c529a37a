-- The reserve slices whose day has come, by agreement, in the currency they were withheld in.
select agreement_id, currency, sum(cast(amount_minor as decimal(38, 0))) as reserve_released_minor
from slices_due
group by agreement_id, currency
