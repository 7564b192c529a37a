-- The rate each bucket gets: the mid rate less the agreement's markup, to eight decimals
-- half-even. A bucket in its settlement currency is not converted and pays no markup.
select
    b.agreement_id,
    b.currency,
    a.settlement_currency,
    a.rounding,
    p.rate_id,
    p.mid_e8,
    case when b.currency = a.settlement_currency
        then cast(p.mid_e8 as decimal(38, 0))
        else divide_half_even(
            cast(p.mid_e8 as decimal(38, 0)) * cast(1000000 - a.fx_markup_ppm as decimal(38, 0)),
            cast(1000000 as decimal(38, 0))
        )
    end as client_e8,
    cast(p.numerator as decimal(38, 0)) as numerator,
    cast(p.denominator as decimal(38, 0)) as denominator
from bucketed as b
join agreements as a on a.agreement_id = b.agreement_id
join pairs as p on p.base = b.currency and p.quote = a.settlement_currency
