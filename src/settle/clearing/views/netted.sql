-- One position per agreement and currency that has records, gets a reserve back, or is left with
-- a rest in a currency the agreement settled in before: what this window moves.
with moved as (
    select c.agreement_id, a.settlement_currency as currency
    from combined as c
    join agreements as a on a.agreement_id = c.agreement_id
    union
    select agreement_id, currency from released
    union
    select r.agreement_id, r.currency
    from carried as r
    join agreements as a on a.agreement_id = r.agreement_id
    where r.currency <> a.settlement_currency
)
select
    m.agreement_id,
    a.participant_id,
    m.currency,
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
left join combined as c
    on c.agreement_id = m.agreement_id and m.currency = a.settlement_currency
left join fixed as f
    on f.agreement_id = m.agreement_id and m.currency = a.settlement_currency
left join released as r on r.agreement_id = m.agreement_id and r.currency = m.currency
