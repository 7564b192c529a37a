-- One position per agreement that has records or gets a reserve back: what this window moves.
with moved as (
    select agreement_id from combined
    union
    select agreement_id from released
)
select
    m.agreement_id,
    a.participant_id,
    a.settlement_currency as currency,
    coalesce(c.records, 0) as records,
    coalesce(c.converted_minor, 0) as converted_minor,
    coalesce(f.fees_fixed_minor, 0) as fees_fixed_minor,
    coalesce(f.tax_fixed_minor, 0) as tax_fixed_minor,
    case when coalesce(c.turnover_minor, 0) > 0
        then -divide_as(
            c.turnover_minor * cast(a.reserve_ppm as decimal(38, 0)),
            cast(1000000 as decimal(38, 0)),
            a.rounding
        )
        else cast(0 as decimal(38, 0))
    end as reserve_withheld_minor,
    coalesce(r.reserve_released_minor, 0) as reserve_released_minor
from moved as m
join agreements as a on a.agreement_id = m.agreement_id
left join combined as c on c.agreement_id = m.agreement_id
left join fixed as f on f.agreement_id = m.agreement_id
left join released as r on r.agreement_id = m.agreement_id
