-- Records that need a second look: those that fail a test of the many, those whose id came more
-- than once, refunds whose sale is sought, and those of parties with a cap. All others are sound
-- and accepted as they are; `checked` says why one is not.
select t.*
from typed as t
left join kinds as k on k.kind = t.kind
left join currencies as c on c.currency = t.currency
left join merchants as a on a.agreement_id = t.agreement_id
left join partners as q on q.participant_id = t.counterparty_id
left join twice as w on w.id_key = id_key(t.record_id)
left join again as g on g.record_id = t.record_id
left join sought as o on o.row = t.row
left join caps as m on m.participant_id = t.participant_id and m.currency = t.currency
left join caps as p on p.participant_id = t.counterparty_id and p.currency = t.currency
cross join terms as n
where w.id_key is not null
    or g.record_id is not null
    or o.row is not null
    or m.cap_minor is not null
    or p.cap_minor is not null
    or coalesce(
        t.record_id is null or t.unreadable is not null or t.amount_fault is not null
        or k.kind is null or c.currency is null
        or t.amount_minor < 1 or t.amount_minor > 9223372036854775807
        or t.occurred_us < n.horizon_us or t.occurred_us > n.now_us
        or (t.received_us is null and t.received_said is not null)
        or a.participant_id <> t.participant_id or t.occurred_us < a.valid_from_us
        or (q.participant_id is null
            and (k.against = 'partner' or t.counterparty_id is not null)),
        true
    )
