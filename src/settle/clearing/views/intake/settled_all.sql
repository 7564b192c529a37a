-- Which of them are settled: a close has looked at their batch, and they neither wait for a later
-- window nor were withdrawn.
select h.record_id
from hits as h
semi join looked_at as b on b.batch_id = h.batch_id
anti join waiting as w on w.record_id = h.record_id and w.batch_id = h.batch_id
anti join withdrawn as g on g.record_id = h.record_id
where not h.is_conflict
