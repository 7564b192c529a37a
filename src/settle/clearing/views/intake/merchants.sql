-- The agreements that records may be of. Every record is looked up in these, so there is no more in
-- them than that asks for.
select agreement_id, participant_id, valid_from_us
from agreements
where role = 'merchant'
