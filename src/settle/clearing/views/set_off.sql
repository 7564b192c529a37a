-- What one agreement gives towards another's negative due: the same participant, the same
-- currency, both agreed to it. Givers and takers stand in line by agreement id; each pair moves
-- what their stretches of the line have in common.
with sides as (
    select s.agreement_id, s.currency, s.participant_id, s.due_minor
    from standing as s
    join agreements as a on a.agreement_id = s.agreement_id
    where a.set_off and s.part = '' and s.due_minor <> 0
),
takers as (
    select
        t.agreement_id,
        t.currency,
        t.participant_id,
        -t.due_minor as amount_minor,
        sum(cast(-t.due_minor as decimal(38, 0))) over (
            partition by t.participant_id, t.currency order by t.agreement_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from sides as t
    where t.due_minor < 0
),
givers as (
    select
        g.agreement_id,
        g.currency,
        g.participant_id,
        g.due_minor as amount_minor,
        sum(cast(g.due_minor as decimal(38, 0))) over (
            partition by g.participant_id, g.currency order by g.agreement_id
            rows between unbounded preceding and current row
        ) as upto_minor
    from sides as g
    where g.due_minor > 0
)
select
    g.agreement_id as giver,
    t.agreement_id as taker,
    t.participant_id,
    t.currency,
    least(t.upto_minor, g.upto_minor)
        - greatest(t.upto_minor - t.amount_minor, g.upto_minor - g.amount_minor) as amount_minor
from takers as t
join givers as g
    on g.participant_id = t.participant_id
    and g.currency = t.currency
    and g.upto_minor > t.upto_minor - t.amount_minor
    and t.upto_minor > g.upto_minor - g.amount_minor
