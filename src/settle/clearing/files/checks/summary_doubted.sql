-- The same of the rows of summaries; a type is that of the component.
select distinct r.set_id
from summary as r
left join types as t on t.component = r.component
left join codes as c on c.currency = r.currency
left join codes as s on s.currency = r.settlement_currency
where
    r.type is distinct from t.type
    or c.currency is null
    or s.currency is null
    or r.records is null
    or r.amount_minor is null
    or regexp_matches(concat_ws(' ', r.window_id, r.rate_id), '[",\r\n]')
