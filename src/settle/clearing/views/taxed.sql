-- Tax on the fees of each bucket, rounded once a bucket as agreed; fees given back give their
-- tax back. With it, what the bucket amounts to. Where records are converted one by one, their
-- sums stand beside it.
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
            b.fees_minor + b.fees_explicit_minor, a.tax_ppm, a.rounding
        ) end as tax_minor,
        coalesce(n.gross_minor, 0) as single_gross_minor,
        coalesce(n.fee_minor, 0) as single_fees_minor,
        coalesce(n.turnover_minor, 0) as single_turnover_minor,
        case when a.tax_ppm = 0 then cast(0 as decimal(38, 0)) else portion_of(
            coalesce(n.fee_minor + n.explicit_minor, 0), a.tax_ppm, a.rounding
        ) end as single_tax_minor
    from bucketed as b
    join agreements as a on a.place = b.place
    left join singles as n on n.place = b.place and n.part = b.part and n.pair = b.pair
)
select
    t.*,
    t.credits_minor - t.gross_minor as debits_minor,
    t.gross_minor + t.fees_minor + t.tax_minor as net_minor
from terms as t
