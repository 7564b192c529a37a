-- Tax on the fees of each bucket, rounded once a bucket as agreed; fees given back give their
-- tax back. With it, what the bucket amounts to.
with terms as (
    select
        b.*,
        a.agreement_id,
        a.rounding,
        a.convert_per,
        a.fx_markup_ppm,
        a.fx_party,
        a.reserve_ppm > 0 or a.reserve_target_minor is not null as has_reserve,
        case when a.tax_ppm = 0 then cast(0 as decimal(38, 0)) else portion_of(
            b.fees_percent_minor + b.fees_back_minor + b.fees_explicit_minor,
            a.tax_ppm, a.rounding
        ) end as tax_minor,
        case when a.tax_ppm = 0 then cast(0 as decimal(38, 0)) else portion_of(
            b.single_fees_minor + b.single_explicit_minor, a.tax_ppm, a.rounding
        ) end as single_tax_minor
    from bucketed as b
    join agreements as a on a.place = b.place
)
select
    t.*,
    t.sales_minor + t.refunds_minor + t.chargebacks_minor + t.reversals_minor
        + t.adjustments_minor + t.fees_percent_minor + t.fees_back_minor
        + t.fees_explicit_minor + t.tax_minor as net_minor
from terms as t
