-- What a schedule charges or gives back for each record of an agreement that has one: the rule
-- of the record's day, that of its very currency before that of any. A refund may give back what
-- the rule for sales took, and may be charged by a rule of its own.
with asked as (
    select
        c.*,
        case when c.netting = 'gross' then k.way else c.facing end as part,
        t.fee_kind,
        t.is_back
    from charged as c
    join kinds as k on k.kind = c.kind
    join turns as t on t.kind = c.kind
    where c.schedule_id <> ''
),
named as (
    select
        q.*,
        coalesce(e.rule_id, y.rule_id) as rule_id
    from asked as q
    left join rules as e
        on e.schedule_id = q.schedule_id and e.kind = q.fee_kind and e.currency = q.currency
        and q.occurred_window >= e.valid_from and q.occurred_window < e.valid_until
    left join rules as y
        on y.schedule_id = q.schedule_id and y.kind = q.fee_kind and y.currency = ''
        and q.occurred_window >= y.valid_from and q.occurred_window < y.valid_until
)
select
    n.*,
    u.tiers,
    u.measure,
    u.per,
    u.back_on_refund,
    u.minimum_minor,
    u.maximum_minor,
    u.tiers <> 'flat' or u.per = 'position' as is_counted,
    case when n.is_back then -1 else 1 end as way,
    case
        when u.tiers = 'flat' or not n.is_back then 1
        when u.restores then -1
        else 0
    end as counts
from named as n
join rules as u on u.rule_id = n.rule_id
where not n.is_back or u.back_on_refund or u.restores
