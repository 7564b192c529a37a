-- One bucket per agreement, part and rate: every component apart, and what netting needs of them
-- as sums of their own, for a sum that nobody asks for is not taken.
select
    m.place,
    m.part,
    m.pair,
    sum(cast(m.records as decimal(38, 0))) as records,
    sum(cast(m.gross_minor as decimal(38, 0))) as gross_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component in ('sales', 'refunds')), 0) as turnover_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'sales'), 0) as sales_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'refunds'), 0) as refunds_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'chargebacks'), 0) as chargebacks_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'reversals'), 0) as reversals_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'adjustments'), 0) as adjustments_minor,
    sum(cast(m.fees_percent_minor + m.fees_back_minor as decimal(38, 0))) as fees_minor,
    sum(cast(m.fees_percent_minor as decimal(38, 0))) as fees_percent_minor,
    sum(cast(m.fees_back_minor as decimal(38, 0))) as fees_back_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'fees_explicit'), 0) as fees_explicit_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.sign = 1), 0) as credits_minor
from paired as m
group by m.place, m.part, m.pair
