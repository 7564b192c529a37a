-- Each bucket in the currency it is settled in: one fraction of it, rounded once, as agreed; or
-- the sum of its records, converted one by one. Turnover is converted where a reserve asks for it.
--
-- The FX result is what the rate gave the hub: the same amount at the mid rate of the window's
-- day, less what the participant got. The rounding result is what conversion a record at a time
-- left over, and the fees taken in each currency by itself.
with asked as (
    select
        t.*,
        q.base as currency,
        q.quote as settlement_currency,
        q.rate_id,
        q.mid_e8,
        q.client_e8,
        q.via,
        q.leg_in_e8,
        q.leg_out_e8,
        q.markup_ppm,
        q.numerator,
        q.denominator,
        q.untied_minor,
        q.fits_minor,
        q.day_numerator,
        q.day_denominator,
        q.day_untied_minor,
        q.day_fits_minor,
        q.is_at_mid
    from taxed as t
    join quoted as q on q.pair = t.pair and q.fx_markup_ppm = t.fx_markup_ppm
),
exchanged as (
    select
        a.*,
        exchange(
            a.net_minor,
            a.numerator, a.denominator, a.untied_minor, a.fits_minor, a.rounding
        ) as whole_minor,
        case when a.is_at_mid then null else exchange(
            a.net_minor,
            a.day_numerator, a.day_denominator, a.day_untied_minor, a.day_fits_minor, a.rounding
        ) end as mid_minor,
        exchange(
            a.credits_minor,
            a.numerator, a.denominator, a.untied_minor, a.fits_minor, a.rounding
        ) as credits_converted_minor,
        case when a.debits_minor = 0 then cast(0 as decimal(38, 0)) else exchange(
            a.debits_minor,
            a.numerator, a.denominator, a.untied_minor, a.fits_minor, a.rounding
        ) end as debits_converted_minor,
        case when not a.has_reserve then cast(0 as decimal(38, 0))
            when a.convert_per = 'record' then a.single_turnover_minor
            else exchange(
                a.turnover_minor,
                a.numerator, a.denominator, a.untied_minor, a.fits_minor, a.rounding
            )
        end as turnover_converted_minor,
        a.single_gross_minor + a.single_fees_minor + a.single_tax_minor as single_minor
    from asked as a
)
select
    e.place,
    e.agreement_id,
    e.part,
    e.currency,
    e.settlement_currency,
    e.records,
    e.sales_minor,
    e.refunds_minor,
    e.chargebacks_minor,
    e.reversals_minor,
    e.adjustments_minor,
    e.fees_percent_minor,
    e.fees_back_minor,
    e.fees_explicit_minor,
    e.tax_minor,
    e.net_minor,
    e.rate_id,
    e.mid_e8,
    e.client_e8,
    e.via,
    e.leg_in_e8,
    e.leg_out_e8,
    e.markup_ppm,
    e.rounding,
    e.convert_per,
    e.fx_party,
    e.credits_converted_minor,
    e.debits_converted_minor,
    e.turnover_converted_minor,
    case when e.convert_per = 'record' and e.currency <> e.settlement_currency
        then e.single_minor
        else e.whole_minor
    end
        as converted_minor,
    coalesce(e.mid_minor - e.whole_minor, cast(0 as decimal(38, 0))) as fx_result_minor,
    case when e.convert_per = 'record' and e.currency <> e.settlement_currency
        then e.whole_minor - e.single_minor
        else cast(0 as decimal(38, 0))
    end as rounding_result_minor
from exchanged as e
