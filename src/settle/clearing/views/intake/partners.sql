-- Who stands on the other side of records.
select distinct participant_id
from agreements
where role = 'partner'
