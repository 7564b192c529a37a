-- Each suspect with the first reason for which it cannot be taken, now that the sales which refunds
-- give back were looked for.
select
    c.*,
    case
        when c.fault_alone is not null then c.fault_alone
        when s.row is not null and o.row is null then 'original_unknown'
    end as fault
from checked as c
left join sought as s on s.row = c.row
left join originals as o on o.row = c.row
