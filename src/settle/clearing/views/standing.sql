-- Each position with its net, what earlier windows left unpaid, and what is therefore due.
with nets as (
    select
        n.*,
        n.converted_minor + n.fees_fixed_minor + n.tax_fixed_minor
            + n.reserve_withheld_minor + n.reserve_released_minor as net_minor
    from netted as n
)
select
    n.*,
    coalesce(cast(c.amount_minor as decimal(38, 0)), 0) as carried_in_minor,
    n.net_minor + coalesce(cast(c.amount_minor as decimal(38, 0)), 0) as due_minor,
    c.since as carried_since
from nets as n
left join carried as c
    on c.agreement_id = n.agreement_id and c.part = n.part and c.currency = n.currency
