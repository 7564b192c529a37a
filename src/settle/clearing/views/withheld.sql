-- What each position keeps back for the reserve. A rolling reserve takes its share of what was
-- turned over. A fixed one takes that share too (or, where none is agreed, all there is), never
-- more than the net before it, until what is held reaches the target; none once terminated.
with traded as (
    select
        c.agreement_id,
        c.part,
        c.currency,
        a.reserve_ppm,
        a.reserve_target_minor,
        c.currency = a.settlement_currency and coalesce(a.terminated_on > d.day, true) as may_fix,
        greatest(c.converted_minor + c.fees_fixed_minor + c.tax_fixed_minor, 0) as before_minor,
        case when c.turnover_minor > 0
            then divide_as(
                c.turnover_minor * cast(a.reserve_ppm as decimal(38, 0)),
                cast(1000000 as decimal(38, 0)),
                a.rounding
            )
            else cast(0 as decimal(38, 0))
        end as share_minor
    from combined as c
    cross join today as d
    join agreements as a on a.agreement_id = c.agreement_id
),
wished as (
    select
        t.*,
        case
            when t.reserve_target_minor is null then t.share_minor
            when not t.may_fix then cast(0 as decimal(38, 0))
            when t.reserve_ppm = 0 then t.before_minor
            else least(t.share_minor, t.before_minor)
        end as wish_minor
    from traded as t
),
queued as (
    select
        w.*,
        sum(cast(w.wish_minor as decimal(38, 0))) over (
            partition by w.agreement_id, w.currency order by w.part
            rows between unbounded preceding and current row
        ) as upto_minor
    from wished as w
    where w.wish_minor > 0
),
kept as (
    select agreement_id, currency, sum(cast(amount_minor as decimal(38, 0))) as amount_minor
    from held
    where not is_due
    group by agreement_id, currency
)
select
    q.agreement_id,
    q.part,
    q.currency,
    q.reserve_target_minor is not null as is_fixed,
    case when q.reserve_target_minor is null
        then q.wish_minor
        else greatest(0, least(
            q.wish_minor,
            cast(q.reserve_target_minor as decimal(38, 0)) - coalesce(k.amount_minor, 0)
                - (q.upto_minor - q.wish_minor)
        ))
    end as amount_minor
from queued as q
left join kept as k on k.agreement_id = q.agreement_id and k.currency = q.currency
