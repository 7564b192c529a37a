-- What is paid and what is carried on: all that is due, once it reaches the agreed minimum. The
-- minimum is in the settlement currency and holds in no other.
select
    s.*,
    case
        when s.due_minor >= 1
            and (
                s.currency <> a.settlement_currency
                or s.due_minor >= cast(a.payout_minimum_minor as decimal(38, 0))
            ) then 'paid'
        when s.due_minor = 0 then 'nothing'
        when s.due_minor < 0 then 'negative'
        else 'below_minimum'
    end as outcome,
    v.value_date,
    l.release_on
from standing as s
join agreements as a on a.agreement_id = s.agreement_id
join value_dates as v on v.currency = s.currency
left join releases as l on l.currency = s.currency and l.reserve_days = a.reserve_days
