-- The journal rows of the trade: an amount from one account to another, signed; a negative one
-- moves the other way. One row per agreement (or partner), part, currency and component.
with summed as (
    select
        agreement_id,
        part,
        currency,
        settlement_currency,
        sum(cast(sales_minor as decimal(38, 0))) as sales_minor,
        sum(cast(refunds_minor as decimal(38, 0))) as refunds_minor,
        sum(cast(chargebacks_minor as decimal(38, 0))) as chargebacks_minor,
        sum(cast(reversals_minor as decimal(38, 0))) as reversals_minor,
        sum(cast(adjustments_minor as decimal(38, 0))) as adjustments_minor,
        sum(cast(fees_percent_minor as decimal(38, 0))) as fees_percent_minor,
        sum(cast(fees_back_minor as decimal(38, 0))) as fees_back_minor,
        sum(cast(fees_explicit_minor as decimal(38, 0))) as fees_explicit_minor,
        sum(cast(tax_minor as decimal(38, 0))) as tax_minor,
        sum(cast(net_minor as decimal(38, 0))) as net_minor,
        sum(cast(converted_minor as decimal(38, 0))) as converted_minor
    from converted
    group by agreement_id, part, currency, settlement_currency
),
components as (
    select agreement_id, part, currency, 'sales' as component, 'clearing' as frm, sales_minor as amount
    from summed
    union all
    select agreement_id, part, currency, 'refunds', 'clearing', refunds_minor
    from summed
    union all
    select agreement_id, part, currency, 'chargebacks', 'clearing', chargebacks_minor
    from summed
    union all
    select agreement_id, part, currency, 'reversals', 'clearing', reversals_minor
    from summed
    union all
    select agreement_id, part, currency, 'adjustments', 'adjustments', adjustments_minor
    from summed
    union all
    select agreement_id, part, currency, 'fees_percent', 'revenue/fees', fees_percent_minor
    from summed
    union all
    select agreement_id, part, currency, 'fees_back', 'revenue/fees', fees_back_minor
    from summed
    union all
    select agreement_id, part, currency, 'fees_explicit', 'revenue/fees', fees_explicit_minor
    from summed
    union all
    select agreement_id, part, currency, 'tax', 'tax/payable', tax_minor
    from summed
    union all
    select agreement_id, part, currency, 'converted_out', 'fx/position', -net_minor
    from summed
    where currency <> settlement_currency
    union all
    select
        agreement_id, part, settlement_currency, 'converted_in_' || currency, 'fx/position',
        converted_minor
    from summed
    where currency <> settlement_currency
    union all
    select agreement_id, part, currency, 'fees_fixed', 'revenue/fees', fees_fixed_minor
    from fixed
    union all
    select agreement_id, part, currency, 'tax_fixed', 'tax/payable', tax_fixed_minor
    from fixed
),
results as (
    select
        agreement_id, part, settlement_currency as currency, 'fx_result' as component,
        case when fx_party = 'hub' then 'revenue/fx' else 'deposit/' || fx_party end
            as into_account,
        sum(cast(fx_result_minor as decimal(38, 0))) as amount
    from converted
    group by agreement_id, part, settlement_currency, fx_party
    union all
    select
        agreement_id, part, settlement_currency, 'rounding', 'revenue/rounding',
        sum(cast(rounding_result_minor as decimal(38, 0)))
    from converted
    where convert_per = 'record'
    group by agreement_id, part, settlement_currency
),
owed as (
    select
        counterparty_id, currency, component, sum(cast(gross_minor as decimal(38, 0))) as amount
    from sides
    where against = 'partner'
    group by counterparty_id, currency, component
)
select
    'partner/' || counterparty_id || '/' || currency || '/' || component as row,
    'deposit/' || counterparty_id as frm,
    'clearing' as into_account,
    currency,
    amount
from owed
where amount <> 0
union all
select
    'partner/' || counterparty_id || '/' || currency || '/' || component,
    frm,
    'deposit/' || counterparty_id,
    currency,
    amount_minor
from shared
where amount_minor <> 0
union all
select
    'agreement/' || agreement_id || case when part = '' then '' else '/' || part end
        || '/' || currency || '/' || component,
    frm,
    'payable/' || agreement_id,
    currency,
    amount
from components
where amount <> 0
union all
select
    'agreement/' || agreement_id || case when part = '' then '' else '/' || part end
        || '/' || currency || '/' || component,
    'fx/position',
    into_account,
    currency,
    amount
from results
where amount <> 0
