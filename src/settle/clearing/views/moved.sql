-- The positions of this window: those with records, those that get a reserve back, and rests of
-- earlier windows that nothing else would take up: of a currency or a part that the agreement no
-- longer settles in, of an agreement that ended, or of one whose participant may set it off now.
with arrived as (
    select agreement_id, part, currency from combined
    union
    select agreement_id, part, currency from released
),
offering as (
    select distinct a.participant_id, v.currency
    from arrived as v
    join agreements as a on a.agreement_id = v.agreement_id
    where a.set_off and v.part = ''
),
resting as (
    select
        c.agreement_id,
        c.part,
        c.currency,
        a.participant_id,
        a.set_off and c.part = '' as may_set_off,
        c.currency <> a.settlement_currency
            and (a.conversion <> 'none' or c.amount_minor > 0) as is_other_currency,
        case a.netting
            when 'net' then c.part = ''
            when 'gross' then c.part in ('credit', 'debit')
            else c.part not in ('', 'credit', 'debit')
        end as is_part_of_now,
        coalesce(a.terminated_on <= d.day, false) as is_terminated
    from carried as c
    cross join today as d
    join agreements as a on a.agreement_id = c.agreement_id
)
select agreement_id, part, currency from arrived
union
select r.agreement_id, r.part, r.currency
from resting as r
left join offering as o
    on o.participant_id = r.participant_id and o.currency = r.currency and r.may_set_off
where r.is_other_currency
    or not r.is_part_of_now
    or r.is_terminated
    or o.participant_id is not null
