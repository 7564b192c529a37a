-- What each counted record adds to a cumulative fee: the fee of all volume after it less that of
-- all before it, each rounded once. So the record that crosses a border is split exactly, and
-- all windows of a month sum to the fee of the month.
with ends as (
    select
        c.*,
        case c.measure when 'count' then c.count_before else c.amount_before end as measured_before,
        case c.measure when 'count' then c.count_after else c.amount_after end as measured_after
    from counted as c
),
placed as (
    select
        e.*,
        b.ppm as ppm_before,
        b.fixed_minor as fixed_before,
        b.tier_from as from_before,
        b.base_ppm as base_ppm_before,
        b.base_fixed as base_fixed_before,
        f.ppm as ppm_after,
        f.fixed_minor as fixed_after,
        f.tier_from as from_after,
        f.base_ppm as base_ppm_after,
        f.base_fixed as base_fixed_after
    from ends as e
    join fee_tiers as b on b.rule_id = e.rule_id
        and (e.measured_before >= b.tier_from or b.tier_from = 0)
        and (e.measured_before < b.tier_until or b.tier_until is null)
    join fee_tiers as f on f.rule_id = e.rule_id
        and (e.measured_after >= f.tier_from or f.tier_from = 0)
        and (e.measured_after < f.tier_until or f.tier_until is null)
),
cumulated as (
    select
        p.*,
        case
            when p.tiers = 'graduated' and p.measure = 'amount' then divide_as(
                p.base_ppm_before + (p.amount_before - p.from_before) * p.ppm_before,
                cast(1000000 as decimal(38, 0)), p.rounding
            )
            when p.tiers = 'graduated' then p.base_fixed_before
                + (p.count_before - p.from_before) * p.fixed_before
            when p.way = -1 and p.tiers = 'flat'
                then portion_of(p.amount_before, p.ppm_before, p.rounding)
            else portion_of(p.amount_before, p.ppm_before, p.rounding)
                + p.count_before * p.fixed_before
        end as fee_before,
        case
            when p.tiers = 'graduated' and p.measure = 'amount' then divide_as(
                p.base_ppm_after + (p.amount_after - p.from_after) * p.ppm_after,
                cast(1000000 as decimal(38, 0)), p.rounding
            )
            when p.tiers = 'graduated' then p.base_fixed_after
                + (p.count_after - p.from_after) * p.fixed_after
            when p.way = -1 and p.tiers = 'flat'
                then portion_of(p.amount_after, p.ppm_after, p.rounding)
            else portion_of(p.amount_after, p.ppm_after, p.rounding)
                + p.count_after * p.fixed_after
        end as fee_after
    from placed as p
),
bounded as (
    select
        c.*,
        case
            when c.tiers <> 'flat' or c.count_before = 0 then c.fee_before
            when c.way = 1 and c.fee_before < c.minimum_minor
                then cast(c.minimum_minor as decimal(38, 0))
            when c.fee_before > c.maximum_minor then cast(c.maximum_minor as decimal(38, 0))
            else c.fee_before
        end as told_before,
        case
            when c.tiers <> 'flat' then c.fee_after
            when c.way = 1 and c.fee_after < c.minimum_minor
                then cast(c.minimum_minor as decimal(38, 0))
            when c.fee_after > c.maximum_minor then cast(c.maximum_minor as decimal(38, 0))
            else c.fee_after
        end as told_after
    from cumulated as c
),
raised as (
    select
        b.*,
        (b.told_after - b.told_before) * b.step
        + case
            when b.tiers = 'graduated' and b.measure = 'count' and b.way = 1
                then portion_of(
                    cast(b.amount_minor as decimal(38, 0)), b.ppm_before, b.rounding
                )
            when b.tiers = 'graduated' and b.measure = 'count'
                then portion_of(cast(b.amount_minor as decimal(38, 0)), b.ppm_after, b.rounding)
            when b.tiers = 'graduated' and b.way = 1
                then cast(b.fixed_before as decimal(38, 0))
            else cast(0 as decimal(38, 0))
        end as fee_minor
    from bounded as b
)
select
    r.record_id,
    r.counterparty_id,
    r.place,
    r.facing,
    r.kind,
    r.currency,
    r.rate_on,
    r.way,
    case
        when r.way = -1 and not r.back_on_refund then cast(0 as decimal(38, 0))
        when r.tiers = 'flat' then r.fee_minor
        when r.way = 1 and r.fee_minor < r.minimum_minor
            then cast(r.minimum_minor as decimal(38, 0))
        when r.fee_minor > r.maximum_minor then cast(r.maximum_minor as decimal(38, 0))
        else r.fee_minor
    end as fee_minor
from raised as r
