-- Records that would take a party's net debit beyond its cap, in the order in which they occurred.
-- Once over it, every further debit is held, too, until credits have brought it down.
with sides as (
    select
        c.row, c.record_id, c.occurred_us, c.currency, c.participant_id,
        cast(c.amount_minor as decimal(38, 0)) * cast(-k.sign as decimal(38, 0)) as debit_minor
    from compared as c
    join kinds as k on k.kind = c.kind
    where c.verdict = 'accepted'
    union all
    select
        c.row, c.record_id, c.occurred_us, c.currency, c.counterparty_id,
        cast(c.amount_minor as decimal(38, 0)) * cast(k.sign as decimal(38, 0))
    from compared as c
    join kinds as k on k.kind = c.kind
    where c.verdict = 'accepted' and k.against = 'partner'
),
running as (
    select
        s.row, s.debit_minor, p.cap_minor,
        coalesce(cast(e.debit_minor as decimal(38, 0)), 0)
            + sum(cast(s.debit_minor as decimal(38, 0))) over (
                partition by s.participant_id, s.currency
                order by s.occurred_us, s.record_id
                rows between unbounded preceding and current row
            ) as net_debit_minor
    from sides as s
    join caps as p on p.participant_id = s.participant_id and p.currency = s.currency
    left join exposures as e on e.participant_id = s.participant_id and e.currency = s.currency
)
select distinct row
from running
where debit_minor > 0 and net_debit_minor > cap_minor
