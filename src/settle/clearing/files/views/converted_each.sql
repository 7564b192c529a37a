-- Each record in the currency it is settled in, to the fraction: the whole units below it, and
-- what is left over in parts of the denominator.
with divided as (
    select
        t.*,
        l.is_single,
        l.converted_minor,
        l.numerator,
        l.denominator,
        case when abs(t.net_minor) < l.fits_minor
            then cast(
                whole(small(abs(t.net_minor)) * l.numerator, l.denominator) as decimal(38, 0)
            )
            else quotient(
                abs(t.net_minor) * cast(l.numerator as decimal(38, 0)),
                cast(l.denominator as decimal(38, 0))
            )
        end as below
    from taxed_each as t
    join lanes as l on l.lane = t.lane
),
left_each as (
    select
        d.*,
        abs(d.net_minor) * cast(d.numerator as decimal(38, 0))
            - d.below * cast(d.denominator as decimal(38, 0)) as over
    from divided as d
)
select
    f.record_id,
    f.lane,
    f.bucket,
    f.gross_minor,
    f.fee_minor,
    f.fee_back_minor,
    f.tax_minor,
    f.net_minor,
    f.is_single,
    f.converted_minor,
    floored(f.net_minor, f.below, f.over) as floor_minor,
    over_floor(f.net_minor, f.over, cast(f.denominator as decimal(38, 0))) as over
from left_each as f
