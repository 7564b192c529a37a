-- Fixed fees of agreements without a schedule are agreed in the settlement currency: they need
-- no rate. Tax on them, rounded once a position.
with charged_fixed as (
    select
        g.place,
        case when a.netting = 'gross' then k.way else g.facing end as part,
        sum(cast(g.records * a.fee_fixed_minor as decimal(38, 0))) as fixed_minor
    from grossed as g
    join agreements as a on a.place = g.place
    join kinds as k on k.kind = g.kind
    where g.kind = 'sale' and a.fee_fixed_minor > 0 and coalesce(a.fee_schedule, '') = ''
    group by g.place, case when a.netting = 'gross' then k.way else g.facing end
)
select
    f.place,
    a.agreement_id,
    f.part,
    a.settlement_currency as currency,
    -f.fixed_minor as fees_fixed_minor,
    -portion_of(f.fixed_minor, a.tax_ppm, a.rounding) as tax_fixed_minor
from charged_fixed as f
join agreements as a on a.place = f.place
