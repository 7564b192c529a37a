-- Refunds that are converted at the rate of the sale they belong to, which has to be found.
select t.row, t.original_record_id
from typed as t
join agreements as a on a.agreement_id = t.agreement_id
where t.kind in ('refund', 'refund_correction') and a.refund_rate = 'original'
