-- The rates that participants get: the mid rate less the agreed markup, to eight decimals
-- half-even. One currency is not converted into itself and pays no markup.
with asked as (
    select distinct pair, fx_markup_ppm
    from paired
),
lowered as (
    select
        q.pair,
        q.fx_markup_ppm,
        s.base,
        s.quote,
        s.rate_id,
        s.via,
        s.leg_in_e8,
        s.leg_out_e8,
        s.mid_e8,
        s.day_mid_e8,
        s.numerator,
        s.denominator,
        s.fits_minor,
        case when s.base = s.quote
            then cast(s.mid_e8 as decimal(38, 0))
            else divide_half_even(
                cast(s.mid_e8 as decimal(38, 0))
                    * cast(1000000 - q.fx_markup_ppm as decimal(38, 0)),
                cast(1000000 as decimal(38, 0))
            )
        end as client_e8
    from asked as q
    join mids as s on s.pair = q.pair
)
select
    l.*,
    l.client_e8 * l.numerator as rate,
    case when l.fits_minor > 0
        then whole(minor(l.client_e8 * l.numerator), l.denominator)
    end as rate_whole,
    case when l.fits_minor > 0
        then minor(l.client_e8 * l.numerator) % l.denominator
    end as rate_rest,
    cast(l.day_mid_e8 as decimal(38, 0)) * l.numerator as day_rate,
    case when l.fits_minor > 0
        then whole(l.day_mid_e8 * l.numerator, l.denominator)
    end as day_whole,
    case when l.fits_minor > 0
        then (l.day_mid_e8 * l.numerator) % l.denominator
    end as day_rest
from lowered as l
