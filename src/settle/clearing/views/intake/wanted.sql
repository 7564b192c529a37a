-- The ids that are looked for among those of earlier batches: of the records that came, and of the
-- sales that refunds are sought by; so many parts of them at a time as `portion` has.
select w.record_id
from (
    select record_id from typed
    union all
    select original_record_id from sought
) as w
semi join portion as p on p.part = id_part(w.record_id)
