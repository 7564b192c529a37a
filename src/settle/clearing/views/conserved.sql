-- The sum over all parties in each currency. Every one is zero, or the window does not close.
select currency, sum(cast(amount_minor as decimal(38, 0))) as amount_minor
from parties
group by currency
order by currency
