-- Sets with a line that no such file has: its kind or a currency is not known, its type is not its
-- kind's, an amount is blank, a rate is below zero (which CSV does not tell), or a code has a sign
-- by which cells are told apart.
select distinct d.set_id
from details as d
left join kind_types as t on t.kind = d.kind
left join codes as c on c.currency = d.currency
left join codes as s on s.currency = d.settlement_currency
where
    t.kind is null
    or d.type is distinct from t.type
    or c.currency is null
    or s.currency is null
    or d.records is null
    or d.amount_minor is null
    or d.fee_minor is null
    or d.fee_back_minor is null
    or d.tax_minor is null
    or d.net_minor is null
    or d.settled_minor is null
    or d.rate_e8 < 0
    or regexp_matches(concat_ws(' ', d.window_id, d.day, d.timing, d.rate_id), '[",\r\n]')
