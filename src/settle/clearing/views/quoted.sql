-- The rates that participants get. An amount is converted by what was quoted as one fraction: the
-- two legs of the mid rate, less the agreed markup, in minor units of both currencies and in lowest
-- terms. So nothing is rounded but the amount. The mid rate of the window's day is the same without
-- a markup. The rates of eight decimals, half-even, are what is told, and convert nothing.
--
-- One currency is not converted into itself and pays no markup. Amounts below `fits_minor` are
-- multiplied within 64 bits; those below `untied_minor`, besides, never lie between two integers.
with agreed as (
    select
        m.*,
        s.base,
        s.quote,
        s.rate_id,
        s.via,
        s.leg_in_e8,
        s.leg_out_e8,
        s.day_leg_in_e8,
        s.day_leg_out_e8,
        s.up,
        s.down,
        s.mid_e8,
        s.day_divisor,
        s.day_untied_minor,
        s.day_fits_minor,
        case when s.base = s.quote then 0 else m.fx_markup_ppm end as markup_ppm
    from markups as m
    join mids as s on s.pair = m.pair
),
multiplied as (
    select
        a.*,
        cast(a.leg_out_e8 as decimal(38, 0)) * cast(1000000 - a.markup_ppm as decimal(38, 0))
            * a.up as paid_out,
        cast(a.leg_in_e8 as decimal(38, 0)) * cast(1000000 as decimal(38, 0)) * a.down as taken_in,
        cast(a.day_leg_out_e8 as decimal(38, 0)) * cast(1000000 as decimal(38, 0)) * a.up
            as day_paid_out,
        cast(a.day_leg_in_e8 as decimal(38, 0)) * cast(1000000 as decimal(38, 0)) * a.down
            as day_taken_in,
        divide_half_even(
            cast(a.mid_e8 as decimal(38, 0)) * cast(1000000 - a.markup_ppm as decimal(38, 0)),
            cast(1000000 as decimal(38, 0))
        ) as client_e8
    from agreed as a
),
lowest as (
    select
        m.*,
        minor(quotient(m.paid_out, m.divisor)) as numerator,
        minor(quotient(m.taken_in, m.divisor)) as denominator,
        minor(quotient(m.day_paid_out, m.day_divisor)) as day_numerator,
        minor(quotient(m.day_taken_in, m.day_divisor)) as day_denominator
    from multiplied as m
)
select
    l.pair,
    l.fx_markup_ppm,
    l.markup_ppm,
    l.base,
    l.quote,
    l.rate_id,
    l.via,
    l.leg_in_e8,
    l.leg_out_e8,
    l.mid_e8,
    l.client_e8,
    l.numerator,
    l.denominator,
    cast(l.untied_minor as decimal(38, 0)) as untied_minor,
    cast(l.fits_minor as decimal(38, 0)) as fits_minor,
    l.day_numerator,
    l.day_denominator,
    cast(l.day_untied_minor as decimal(38, 0)) as day_untied_minor,
    cast(l.day_fits_minor as decimal(38, 0)) as day_fits_minor,
    l.numerator = l.day_numerator and l.denominator = l.day_denominator as is_at_mid
from lowest as l
