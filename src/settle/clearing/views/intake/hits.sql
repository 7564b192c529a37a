-- What earlier batches left of these ids: with which content they were accepted, or a conflict.
select s.record_id, s.content, s.occurred_us, s.is_conflict, l.batch_id
from (
    select b.record_id, b.content, b.occurred_us, b.is_conflict, b.file_index
    from ids_before as b
    semi join wanted as w on w.record_id = b.record_id
) as s
join left_by as l on l.file_index = s.file_index
