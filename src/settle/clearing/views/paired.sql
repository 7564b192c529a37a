-- Each sum with the rate that it is converted at. A rate of a pair of currencies is a pair of its
-- own for each day that it is published on.
select m.*, p.pair
from aimed as m
join pairs as p
    on p.base = m.currency and p.quote = m.settlement_currency
    and p.quoted_on = m.quoted_on and p.is_next_day = m.is_next_day
