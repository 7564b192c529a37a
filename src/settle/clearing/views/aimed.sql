-- Each sum with its signs, its fees and the rate it asks for: of which day, or of the day after.
-- What is not converted asks for none. Amounts are signed towards the participant from here on.
with settled as (
    select
        g.*,
        a.rounding,
        a.convert_per,
        a.fee_ppm,
        a.fx_markup_ppm,
        k.sign,
        k.component,
        case when a.netting = 'gross' then k.way else g.facing end as part,
        case when a.conversion = 'none' then g.currency else a.settlement_currency end
            as settlement_currency,
        case
            when a.refund_rate <> 'original'
                and g.kind in ('refund', 'refund_correction', 'refund_fee_returned', 'refund_fee_retaken')
                then a.refund_rate = 'next_day'
            else a.conversion = 'next_day'
        end as is_next_day,
        case when g.kind = 'refund' then g.percent_minor else 0 end as percent_back_minor,
        case when g.kind = 'refund' then 0 else g.percent_minor end as percent_taken_minor,
        coalesce(s.taken_minor, 0) as taken_minor,
        coalesce(s.back_minor, 0) as back_minor
    from grossed as g
    join agreements as a on a.place = g.place
    join kinds as k on k.kind = g.kind
    left join scheduled as s
        on s.place = g.place and s.facing = g.facing and s.kind = g.kind
        and s.currency = g.currency and s.rate_on = g.rate_on
)
select
    s.place,
    s.facing,
    s.part,
    s.kind,
    s.currency,
    s.rate_on,
    s.rounding,
    s.convert_per,
    s.fee_ppm,
    s.fx_markup_ppm,
    s.sign,
    s.component,
    s.settlement_currency,
    case when s.currency = s.settlement_currency then '' else s.rate_on end as quoted_on,
    s.currency <> s.settlement_currency and s.is_next_day as is_next_day,
    s.records,
    s.amount_minor * s.sign as gross_minor,
    -(s.percent_taken_minor + s.taken_minor) as fees_percent_minor,
    s.percent_back_minor + s.back_minor as fees_back_minor
from settled as s
