-- What a batch leaves of its ids, for those to come, in parts by the hash of the id.
select record_id, content, occurred_us, false as is_conflict, id_part(record_id) as part
from accepted
union all
select distinct record_id, cast(null as varchar), occurred_us, true, id_part(record_id)
from refused
where why = 'conflict'
