-- The rates that this window asks for.
select distinct currency, settlement_currency, quoted_on, is_next_day
from aimed
order by currency, settlement_currency, quoted_on, is_next_day
