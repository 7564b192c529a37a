-- What the records of one lane (agreement, part, kind, currency, day of the rate) have in common:
-- the rate, and what the bucket came to that they are in.
with buckets as (
    select
        v.place,
        v.agreement_id,
        v.part,
        v.currency,
        v.settlement_currency,
        v.rate_id,
        v.mid_e8,
        v.client_e8,
        v.converted_minor,
        t.pair,
        t.tax_minor,
        t.single_tax_minor,
        row_number() over (
            order by v.place, v.part, v.currency, v.settlement_currency, v.rate_id
        ) as bucket
    from converted as v
    join mids as i on i.rate_id = v.rate_id
    join taxed as t
        on t.place = v.place and t.part = v.part and t.pair = i.pair
)
select
    row_number() over (order by m.place, m.facing, m.kind, m.currency, m.rate_on) as lane,
    b.bucket,
    m.place,
    b.agreement_id,
    m.part,
    m.facing,
    m.kind,
    m.component,
    m.currency,
    m.rate_on,
    b.settlement_currency,
    b.rate_id,
    b.mid_e8,
    b.client_e8,
    m.sign,
    a.tax_ppm,
    b.tax_minor,
    b.single_tax_minor,
    b.converted_minor,
    q.numerator,
    q.denominator,
    q.fits_minor,
    m.convert_per = 'record' and m.currency <> m.settlement_currency as is_single
from paired as m
join agreements as a on a.place = m.place
join quoted as q on q.pair = m.pair and q.fx_markup_ppm = m.fx_markup_ppm
join buckets as b on b.place = m.place and b.part = m.part and b.pair = m.pair
