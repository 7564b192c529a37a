-- Fixed fees are agreed in the settlement currency: they need no rate. Tax on them, rounded once.
with charged_fixed as (
    select agreement_id, sum(cast(fixed_minor as decimal(38, 0))) as fixed_minor
    from charged
    group by agreement_id
)
select
    f.agreement_id,
    -f.fixed_minor as fees_fixed_minor,
    -divide_as(
        f.fixed_minor * cast(a.tax_ppm as decimal(38, 0)),
        cast(1000000 as decimal(38, 0)),
        a.rounding
    ) as tax_fixed_minor
from charged_fixed as f
join agreements as a on a.agreement_id = f.agreement_id
