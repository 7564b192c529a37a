-- Refunds, and what corrections take back of them, that are converted at the rate of the sale they
-- belong to, which has to be found.
select t.row, t.record_id, t.original_record_id, t.agreement_id
from typed as t
join agreements as a on a.agreement_id = t.agreement_id
where a.refund_rate = 'original'
    and t.kind in ('refund', 'refund_correction', 'refund_fee_returned', 'refund_fee_retaken')
