-- Each record with the window in which it is to settle: its own day's, but for the agreements
-- that settle after a number of working days, a week or a month. Those are paid in a currency of
-- theirs or, where nothing is converted, in the record's. Refunds, and what corrections take back
-- of them, may wait for a rate of their own.
select
    r.*,
    case when s.agreement_id is null then r.occurred_window else c.settles_in end as settles_in
from windowed as r
left join slow as s
    on s.agreement_id = r.agreement_id
    and s.of_refunds = (
        r.kind in ('refund', 'refund_correction', 'refund_fee_returned', 'refund_fee_retaken')
    )
left join cycles as c
    on c.cycle = s.cycle
    and c.conversion = s.conversion
    and c.currency = coalesce(s.currency, r.currency)
    and c.occurred_window = r.occurred_window
