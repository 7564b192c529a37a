-- Tax on the fees of each bucket, rounded once a bucket as agreed; fees given back give their
-- tax back.
select
    g.*,
    -divide_as(
        -(g.fees_percent_minor + g.fees_back_minor + g.fees_explicit_minor)
            * cast(a.tax_ppm as decimal(38, 0)),
        cast(1000000 as decimal(38, 0)),
        a.rounding
    ) as tax_minor
from grossed as g
join agreements as a on a.agreement_id = g.agreement_id
