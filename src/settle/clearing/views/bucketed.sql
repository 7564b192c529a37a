-- One bucket per agreement, part, currency of the records and rate, every component apart.
select
    m.place,
    m.part,
    m.currency,
    m.settlement_currency,
    p.pair,
    sum(cast(m.records as decimal(38, 0))) as records,
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
    sum(cast(m.fees_percent_minor as decimal(38, 0))) as fees_percent_minor,
    sum(cast(m.fees_back_minor as decimal(38, 0))) as fees_back_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.component = 'fees_explicit'), 0) as fees_explicit_minor,
    coalesce(sum(cast(m.gross_minor as decimal(38, 0)))
        filter (where m.sign = 1), 0) as credits_minor,
    coalesce(sum(cast(-m.gross_minor as decimal(38, 0)))
        filter (where m.sign = -1), 0) as debits_minor,
    sum(cast(coalesce(n.gross_minor, 0) as decimal(38, 0))) as single_gross_minor,
    sum(cast(coalesce(n.fee_minor, 0) as decimal(38, 0))) as single_fees_minor,
    coalesce(sum(cast(coalesce(n.gross_minor, 0) as decimal(38, 0)))
        filter (where m.component in ('sales', 'refunds')), 0) as single_turnover_minor,
    coalesce(sum(cast(coalesce(n.gross_minor, 0) as decimal(38, 0)))
        filter (where m.component = 'fees_explicit'), 0) as single_explicit_minor
from aimed as m
join pairs as p
    on p.base = m.currency and p.quote = m.settlement_currency
    and p.quoted_on = m.quoted_on and p.is_next_day = m.is_next_day
left join singles as n
    on n.place = m.place and n.facing = m.facing and n.kind = m.kind
    and n.currency = m.currency and n.rate_on = m.rate_on
group by m.place, m.part, m.currency, m.settlement_currency, p.pair
