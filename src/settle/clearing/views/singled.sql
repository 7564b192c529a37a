-- Where an agreement converts a record at a time: each record's amount, and its fee, in the
-- settlement currency, each rounded by itself. A percent fee is taken of the converted amount;
-- what a schedule takes is converted.
with single as (
    select m.*, q.numerator, q.denominator, q.untied_minor, q.fits_minor
    from paired as m
    join quoted as q on q.pair = m.pair and q.fx_markup_ppm = m.fx_markup_ppm
    where m.convert_per = 'record'
),
converted_gross as (
    select
        c.record_id,
        c.place,
        c.facing,
        c.kind,
        c.currency,
        c.rate_on,
        s.part,
        s.pair,
        s.component,
        s.sign,
        s.fee_ppm,
        s.rounding,
        c.pays_percent,
        exchange(
            cast(c.amount_minor as decimal(38, 0)),
            s.numerator, s.denominator, s.untied_minor, s.fits_minor, s.rounding
        ) as amount_minor
    from charged as c
    join single as s
        on s.place = c.place and s.facing = c.facing and s.kind = c.kind
        and s.currency = c.currency and s.rate_on = c.rate_on
    where c.convert_per = 'record'
)
select
    g.record_id,
    g.place,
    g.facing,
    g.kind,
    g.currency,
    g.rate_on,
    g.part,
    g.pair,
    g.component,
    g.amount_minor * g.sign as gross_minor,
    case
        when not g.pays_percent then cast(0 as decimal(38, 0))
        when g.kind = 'refund' then portion_of(g.amount_minor, g.fee_ppm, g.rounding)
        else -portion_of(g.amount_minor, g.fee_ppm, g.rounding)
    end as fee_minor
from converted_gross as g
union all
select
    v.record_id,
    v.place,
    v.facing,
    v.kind,
    v.currency,
    v.rate_on,
    s.part,
    s.pair,
    s.component,
    cast(0 as decimal(38, 0)),
    -v.way * exchange(
        v.fee_minor,
        s.numerator, s.denominator, s.untied_minor, s.fits_minor, s.rounding
    )
from levied as v
join single as s
    on s.place = v.place and s.facing = v.facing and s.kind = v.kind
    and s.currency = v.currency and s.rate_on = v.rate_on
