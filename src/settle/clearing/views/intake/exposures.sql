-- What each party with a cap owes already, of records that no window has settled. Signed towards
-- the other side: a debit is positive.
with sides as (
    select
        r.participant_id,
        r.currency,
        cast(r.amount_minor as decimal(38, 0)) * cast(-k.sign as decimal(38, 0)) as debit_minor
    from accepted_open as r
    join kinds as k on k.kind = r.kind
    union all
    select
        r.counterparty_id,
        r.currency,
        cast(r.amount_minor as decimal(38, 0)) * cast(k.sign as decimal(38, 0))
    from accepted_open as r
    join kinds as k on k.kind = r.kind
    where k.against = 'partner'
)
select s.participant_id, s.currency, sum(cast(s.debit_minor as decimal(38, 0))) as debit_minor
from sides as s
semi join caps as c on c.participant_id = s.participant_id and c.currency = s.currency
group by s.participant_id, s.currency
