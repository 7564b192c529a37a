-- What goes from each bucket into positions and to the parties. The rest of a bucket is told of it,
-- and takes three times as long to keep: where nobody asks for it, this is kept alone.
select
    place,
    part,
    currency,
    settlement_currency,
    records,
    tax_minor,
    net_minor,
    credits_converted_minor,
    debits_converted_minor,
    turnover_converted_minor,
    converted_minor,
    fx_result_minor,
    rounding_result_minor
from converted
