-- What is paid, carried on or claimed: all of the rest, one way. The minimum is in the settlement
-- currency and holds in no other, nor for a part that the agreement no longer settles by, nor
-- once it is terminated. What is owed to us under gross settlement, or at the end, is claimed.
with termed as (
    select
        c.*,
        a.reserve_days,
        a.netting = 'gross' or coalesce(a.terminated_on <= d.day, false) as is_claimable,
        case
            when coalesce(a.terminated_on <= d.day, false) or c.currency <> a.settlement_currency
                then cast(1 as decimal(38, 0))
            when a.netting = 'net' and c.part = ''
                or a.netting = 'gross' and c.part in ('credit', 'debit')
                or a.netting = 'bilateral' and c.part not in ('', 'credit', 'debit')
                then greatest(cast(a.payout_minimum_minor as decimal(38, 0)), 1)
            else cast(1 as decimal(38, 0))
        end as minimum_minor
    from covered as c
    cross join today as d
    join agreements as a on a.agreement_id = c.agreement_id
),
judged as (
    select
        t.*,
        case
            when t.rest_minor >= t.minimum_minor then 'paid'
            when t.rest_minor = 0 then 'nothing'
            when t.rest_minor > 0 then 'below_minimum'
            when t.is_claimable then 'claimed'
            else 'negative'
        end as outcome
    from termed as t
)
select
    j.*,
    case when j.outcome = 'paid' then j.rest_minor else 0 end as paid_minor,
    case when j.outcome in ('negative', 'below_minimum') then j.rest_minor else 0 end
        as carried_out_minor,
    case when j.outcome = 'claimed' then -j.rest_minor else 0 end as claimed_minor,
    -- An unpaid rest keeps its age as long as it stays on its side.
    case when j.carried_in_minor > 0 and j.rest_minor > 0
            or j.carried_in_minor < 0 and j.rest_minor < 0
        then j.carried_since
        else d.day
    end as since,
    v.value_date,
    l.release_on
from judged as j
cross join today as d
left join value_dates as v on v.currency = j.currency
left join withheld as w
    on w.agreement_id = j.agreement_id and w.part = j.part and w.currency = j.currency
left join releases as l
    on l.currency = j.currency and l.reserve_days = j.reserve_days and not w.is_fixed
