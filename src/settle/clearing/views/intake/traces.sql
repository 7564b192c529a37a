-- Where the sales sought may be found: batches that accepted a record of that id, and of no other
-- content.
select h.record_id, h.occurred_us, h.batch_id
from hits as h
semi join sought as s on s.original_record_id = h.record_id
anti join (select record_id from again where is_conflicted) as g on g.record_id = h.record_id
where not h.is_conflict
