-- The records that are taken: all but those that were looked at twice and not accepted.
select t.*, o.original_on
from told as t
anti join (select row from verdicts where outcome <> 'accepted') as v on v.row = t.row
left join originals as o on o.row = t.row
