-- What the hub gives its partners of the window: their share of the fees, and interchange on
-- sales less refunds. Each is rounded once a counterparty and currency.
select
    e.counterparty_id,
    e.currency,
    'fee_share' as component,
    'revenue/fees' as frm,
    portion_of(e.fee_minor, s.fee_share_ppm, s.rounding) as amount_minor
from earned as e
join sharers as s on s.participant_id = e.counterparty_id
union all
select
    t.counterparty_id,
    t.currency,
    'interchange',
    'interchange',
    portion_of(t.turnover_minor, s.interchange_ppm, s.rounding)
from (
    select
        counterparty_id, currency, sum(cast(gross_minor as decimal(38, 0))) as turnover_minor
    from sides
    where component in ('sales', 'refunds')
    group by counterparty_id, currency
) as t
join sharers as s on s.participant_id = t.counterparty_id and s.interchange_ppm > 0
