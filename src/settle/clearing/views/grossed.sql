-- One bucket per agreement and currency of the records, every component apart. Amounts are
-- signed towards the participant: refunds and fees are negative.
select
    agreement_id,
    currency,
    count(*) as records,
    coalesce(sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'sales'), 0)
        as sales_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'refunds'), 0)
        as refunds_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'chargebacks'), 0)
        as chargebacks_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'reversals'), 0)
        as reversals_minor,
    coalesce(sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'adjustments'), 0)
        as adjustments_minor,
    coalesce(sum(cast(-percent_minor as decimal(38, 0))) filter (where component = 'sales'), 0)
        as fees_percent_minor,
    coalesce(sum(cast(percent_minor as decimal(38, 0))) filter (where component = 'refunds'), 0)
        as fees_back_minor,
    coalesce(
        sum(cast(gross_minor as decimal(38, 0))) filter (where component = 'fees_explicit'), 0
    ) as fees_explicit_minor
from charged
group by agreement_id, currency
