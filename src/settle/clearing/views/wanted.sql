-- The rates that this window asks for, and the markups on them.
select distinct currency, settlement_currency, quoted_on, is_next_day, fx_markup_ppm
from aimed
order by currency, settlement_currency, quoted_on, is_next_day, fx_markup_ppm
