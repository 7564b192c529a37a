-- The fees earned on the records of each counterparty that has a share in them.
with fees as (
    select counterparty_id, currency, cast(percent_minor as decimal(38, 0))
        * case when kind = 'refund' then -1 else 1 end as fee_minor
    from charged
    union all
    select counterparty_id, currency, fee_minor * way
    from levied
    union all
    select counterparty_id, currency, cast(amount_minor as decimal(38, 0))
        * case when kind in ('fee_retaken', 'refund_fee_retaken') then 1 else -1 end
    from charged
    where kind in ('fee_retaken', 'fee_returned', 'refund_fee_retaken', 'refund_fee_returned')
)
select f.counterparty_id, f.currency, sum(cast(f.fee_minor as decimal(38, 0))) as fee_minor
from fees as f
join sharers as s on s.participant_id = f.counterparty_id and s.fee_share_ppm > 0
group by f.counterparty_id, f.currency
