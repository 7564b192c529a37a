-- The journal rows of the close, by name.
select * from posted_traded
union all
select * from posted_standing
order by row
