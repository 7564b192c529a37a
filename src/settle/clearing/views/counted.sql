-- Where a rule counts volume, how much of it there was before each record: what earlier windows
-- left of the month, and the records of this one that come first. Flat rules that are rounded a
-- position count from zero.
with metered as (
    select
        r.*,
        case when r.tiers = 'flat'
            then r.part || '/' || cast(r.rule_id as varchar) || '/' || cast(r.way as varchar)
            else substr(r.occurred_window, 1, 7)
        end as meter
    from ruled as r
    where r.is_counted
),
earlier as (
    select
        a.place,
        u.schedule_id,
        u.kind,
        u.currency,
        u.month,
        cast(u.amount_minor as decimal(38, 0)) as amount_minor,
        cast(u.records as decimal(38, 0)) as records
    from usage as u
    join agreements as a on a.agreement_id = u.agreement_id
),
summed as (
    select
        m.*,
        coalesce(sum(cast(m.amount_minor * m.counts as decimal(38, 0))) over (
            partition by m.place, m.schedule_id, m.fee_kind, m.currency, m.meter
            order by m.occurred_at, m.record_id, m.way
            rows between unbounded preceding and 1 preceding
        ), 0) as amount_first,
        coalesce(sum(cast(m.counts as decimal(38, 0))) over (
            partition by m.place, m.schedule_id, m.fee_kind, m.currency, m.meter
            order by m.occurred_at, m.record_id, m.way
            rows between unbounded preceding and 1 preceding
        ), 0) as count_first
    from metered as m
),
begun as (
    select
        s.*,
        s.amount_first + coalesce(e.amount_minor, 0) as amount_before,
        s.count_first + coalesce(e.records, 0) as count_before,
        case when s.tiers = 'flat' then 1 else s.way end as step
    from summed as s
    left join earlier as e
        on e.place = s.place and e.schedule_id = s.schedule_id and e.kind = s.fee_kind
        and e.currency = s.currency and e.month = s.meter
)
select
    b.*,
    b.amount_before + b.step * cast(b.amount_minor as decimal(38, 0)) as amount_after,
    b.count_before + b.step as count_after
from begun as b
