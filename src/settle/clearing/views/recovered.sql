-- What each debt takes from each security: what their stretches of the two lines have in common.
-- A slice used partly keeps its rest and its date.
select
    o.agreement_id,
    o.part,
    o.currency,
    s.source,
    s.source_id,
    s.nth,
    least(o.upto_minor, s.upto_minor)
        - greatest(o.upto_minor - o.amount_minor, s.upto_minor - s.amount_minor) as amount_minor
from owing as o
join secured as s
    on s.agreement_id = o.agreement_id
    and s.currency = o.currency
    and s.upto_minor > o.upto_minor - o.amount_minor
    and o.upto_minor > s.upto_minor - s.amount_minor
