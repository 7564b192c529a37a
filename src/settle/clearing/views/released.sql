-- The reserve slices whose day has come, by agreement.
select agreement_id, sum(cast(amount_minor as decimal(38, 0))) as reserve_released_minor
from slices_due
group by agreement_id
