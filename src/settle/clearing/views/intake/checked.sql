-- Each suspect with the first reason for which it cannot be taken by itself, or none.
with participants as (
    select distinct participant_id from agreements
)
select
    r.*,
    case
        when r.unreadable is not null then 'line_unreadable'
        when r.record_id is null then 'id_missing'
        when k.kind is null then 'kind_unknown'
        when c.currency is null then 'currency_unknown'
        when r.amount_fault is not null then r.amount_fault
        when r.amount_minor is null then 'amount_missing'
        when r.amount_minor < 0 then 'amount_negative'
        when r.amount_minor = 0 then 'amount_zero'
        when r.amount_minor > 9223372036854775807 then 'amount_too_large'
        when r.occurred_us is null then 'occurred_at_unreadable'
        when r.occurred_us < t.earliest_us then 'occurred_at_too_early'
        when r.occurred_us < t.horizon_us then 'occurred_at_beyond_horizon'
        when r.occurred_us > t.now_us then 'occurred_at_in_the_future'
        when r.received_us is null and r.received_said is not null then 'received_at_unreadable'
        when p.participant_id is null then 'participant_unknown'
        when a.agreement_id is null then 'agreement_unknown'
        when a.participant_id <> r.participant_id then 'agreement_of_another'
        when a.role <> 'merchant' then 'agreement_not_of_a_merchant'
        when r.occurred_us < a.valid_from_us then 'agreement_not_valid_yet'
        when k.against = 'partner' and q.participant_id is null then 'counterparty_unknown'
        when r.counterparty_id is not null and q.participant_id is null
            then 'counterparty_unknown'
    end as fault_alone
from suspects_told as r
cross join terms as t
left join kinds as k on k.kind = r.kind
left join currencies as c on c.currency = r.currency
left join participants as p on p.participant_id = r.participant_id
left join agreements as a on a.agreement_id = r.agreement_id
left join partners as q on q.participant_id = r.counterparty_id
