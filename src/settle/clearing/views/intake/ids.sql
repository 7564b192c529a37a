-- Each id of the sound records of this batch once: where it stands first, and whether all its
-- versions say the same.
select
    record_id,
    min(row) as row_first,
    min(content) as content,
    min(content) <> max(content) as differs
from traced
where fault is null
group by record_id
