-- The explanations weighed for each line that was refused for want of a unique one: the first
-- ten by name, and how many there are.
with refused as (
    select distinct u.line_id, e.explanation
    from unexplained as u
    join explanations as e on e.line_id = u.line_id
    where u.reason = 'not_unique'
),
counted as (
    select line_id, count(*) as explanations
    from refused
    group by line_id
),
ranked as (
    select
        line_id, explanation,
        row_number() over (partition by line_id order by explanation) as place
    from refused
)
select r.line_id, r.explanation, r.place, c.explanations
from ranked as r
join counted as c on c.line_id = r.line_id
where r.place <= 10
