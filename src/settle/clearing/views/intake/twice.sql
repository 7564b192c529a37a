-- Keys under which more than one record of this batch stands: an id that came twice, or, seldom,
-- two ids of one key. Which of the two it is is seen when the ids themselves are compared.
select id_key(record_id) as id_key
from typed
group by id_key(record_id)
having count(*) > 1
