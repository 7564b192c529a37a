-- The same of the rows of summaries; a type is that of the component.
select distinct r.set_id
from summary as r
left join types as t on t.component = r.component
left join codes as c on c.currency = r.currency
left join codes as s on s.currency = r.settlement_currency
where
    t.component is null
    or r.type is distinct from t.type
    or c.currency is null
    or s.currency is null
    or r.records is null
    or r.amount_minor is null
    or least(r.mid_e8, r.rate_e8, r.leg_in_e8, r.leg_out_e8, r.markup_e8) < 0
    or regexp_matches(
        concat_ws(' ', r.window_id, r.rate_id, r.via, r.rounding, r.convert_per), '[",\r\n]'
    )
