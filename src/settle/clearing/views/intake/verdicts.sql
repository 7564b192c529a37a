-- Each suspect with what becomes of it in the end: accepted, duplicate or quarantined, and why.
select
    c.*,
    case when h.row is not null then 'quarantined' else c.verdict end as outcome,
    case when h.row is not null then 'over_net_debit_cap' else c.reason end as why
from compared as c
left join capped as h on h.row = c.row
