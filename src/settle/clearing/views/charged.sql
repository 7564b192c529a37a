-- Each record with its direction and what it costs: the percent fee of a sale, the fee given
-- back with a refund where agreed, the fixed fee. Percent fees are rounded a record.
select
    r.agreement_id,
    r.counterparty_id,
    r.currency,
    a.settlement_currency,
    k.component,
    k.against,
    cast(r.amount_minor as decimal(38, 0)) * cast(k.sign as decimal(38, 0)) as gross_minor,
    case when r.kind = 'sale' or (r.kind = 'refund' and a.fee_back_on_refund)
        then divide_as(
            cast(r.amount_minor as decimal(38, 0)) * cast(a.fee_ppm as decimal(38, 0)),
            cast(1000000 as decimal(38, 0)),
            a.rounding
        )
        else cast(0 as decimal(38, 0))
    end as percent_minor,
    case when r.kind = 'sale'
        then cast(a.fee_fixed_minor as decimal(38, 0))
        else cast(0 as decimal(38, 0))
    end as fixed_minor
from records as r
join agreements as a on a.agreement_id = r.agreement_id
join kinds as k on k.kind = r.kind
