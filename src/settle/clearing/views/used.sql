-- The volume that this window adds to each month that tiers count.
select
    a.agreement_id,
    r.schedule_id,
    r.fee_kind as kind,
    r.currency,
    substr(r.occurred_window, 1, 7) as month,
    sum(cast(r.amount_minor * r.counts as decimal(38, 0))) as amount_minor,
    sum(cast(r.counts as decimal(38, 0))) as records
from ruled as r
join agreements as a on a.place = r.place
where r.tiers <> 'flat' and r.counts <> 0
group by a.agreement_id, r.schedule_id, r.fee_kind, r.currency, substr(r.occurred_window, 1, 7)
