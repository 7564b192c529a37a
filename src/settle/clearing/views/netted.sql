-- What this window moves for each position.
select
    m.agreement_id,
    m.part,
    m.currency,
    a.participant_id,
    coalesce(c.records, 0) as records,
    coalesce(c.converted_minor, 0) as converted_minor,
    coalesce(c.fees_fixed_minor, 0) as fees_fixed_minor,
    coalesce(c.tax_fixed_minor, 0) as tax_fixed_minor,
    -coalesce(w.amount_minor, 0) as reserve_withheld_minor,
    coalesce(r.reserve_released_minor, 0) as reserve_released_minor
from moved as m
join agreements as a on a.agreement_id = m.agreement_id
left join combined as c
    on c.agreement_id = m.agreement_id and c.part = m.part and c.currency = m.currency
left join withheld as w
    on w.agreement_id = m.agreement_id and w.part = m.part and w.currency = m.currency
left join released as r
    on r.agreement_id = m.agreement_id and r.part = m.part and r.currency = m.currency
