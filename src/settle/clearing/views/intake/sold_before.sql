-- The sales sought that earlier batches accepted.
select t.record_id, b.agreement_id, t.occurred_us
from accepted_before as b
join traces as t on t.record_id = b.record_id
where b.kind = 'sale'
