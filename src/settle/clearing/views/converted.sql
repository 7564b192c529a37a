-- Each bucket in the settlement currency: one multiplication, rounded once, as agreed.
select
    b.*,
    q.settlement_currency,
    q.rounding,
    q.rate_id,
    q.mid_e8,
    q.client_e8,
    divide_as(b.net_minor * q.client_e8 * q.numerator, q.denominator, q.rounding)
        as converted_minor,
    divide_as(b.turnover_minor * q.client_e8 * q.numerator, q.denominator, q.rounding)
        as turnover_converted_minor
from bucketed as b
join quoted as q on q.agreement_id = b.agreement_id and q.currency = b.currency
