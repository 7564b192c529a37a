-- All that this window looks at: new records, and what earlier windows left to it. Under an
-- agreement in which the hub is an agent, with the party that has failed, if one has.
with looked_at as (
    select
        row, record_id, original_record_id, participant_id, agreement_id, counterparty_id, kind,
        amount_minor, currency, occurred_at, received_at, reference, attributes, original_on,
        content, batch_id, occurred_window, settles_in, cast(null as varchar) as deferred_in
    from settling
    union all
    select
        row, record_id, original_record_id, participant_id, agreement_id, counterparty_id, kind,
        amount_minor, currency, occurred_at, received_at, reference, attributes, original_on,
        content, batch_id, occurred_window, settles_in, deferred_in
    from waiting
)
select
    r.*,
    case
        when g.agreement_id is null then null
        when p.participant_id is not null then 'participant_failed'
        when q.participant_id is not null then 'counterparty_failed'
    end as left_out
from looked_at as r
left join agents as g on g.agreement_id = r.agreement_id
left join failed as p on p.participant_id = r.participant_id
left join failed as q on q.participant_id = r.counterparty_id
