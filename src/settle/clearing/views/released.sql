-- The reserve slices whose day has come, by position, in the currency they were withheld in.
select
    agreement_id,
    part,
    currency,
    sum(cast(amount_minor as decimal(38, 0))) as reserve_released_minor
from held
where is_due
group by agreement_id, part, currency
