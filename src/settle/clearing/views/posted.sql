-- The journal rows of the close: an amount from one account to another, signed; a negative one
-- moves the other way. One row per agreement (or partner), currency and component.
with components as (
    select agreement_id, currency, 'sales' as component, 'clearing' as frm, sales_minor as amount
    from converted
    union all
    select agreement_id, currency, 'refunds', 'clearing', refunds_minor from converted
    union all
    select agreement_id, currency, 'chargebacks', 'clearing', chargebacks_minor from converted
    union all
    select agreement_id, currency, 'reversals', 'clearing', reversals_minor from converted
    union all
    select agreement_id, currency, 'adjustments', 'adjustments', adjustments_minor
    from converted
    union all
    select agreement_id, currency, 'fees_percent', 'revenue/fees', fees_percent_minor
    from converted
    union all
    select agreement_id, currency, 'fees_back', 'revenue/fees', fees_back_minor from converted
    union all
    select agreement_id, currency, 'fees_explicit', 'revenue/fees', fees_explicit_minor
    from converted
    union all
    select agreement_id, currency, 'tax', 'tax/payable', tax_minor from converted
    union all
    select agreement_id, currency, 'converted_out', 'fx/position', -net_minor
    from converted
    where currency <> settlement_currency
    union all
    select
        agreement_id, settlement_currency, 'converted_in_' || currency, 'fx/position',
        converted_minor
    from converted
    where currency <> settlement_currency
    union all
    select agreement_id, currency, 'fees_fixed', 'revenue/fees', fees_fixed_minor from netted
    union all
    select agreement_id, currency, 'tax_fixed', 'tax/payable', tax_fixed_minor from netted
    union all
    select
        agreement_id, currency, 'reserve_withheld', 'reserve/' || agreement_id,
        reserve_withheld_minor
    from netted
    union all
    select
        agreement_id, currency, 'reserve_released', 'reserve/' || agreement_id,
        reserve_released_minor
    from netted
),
owed as (
    select
        counterparty_id, currency, component, sum(cast(gross_minor as decimal(38, 0))) as amount
    from charged
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
    'agreement/' || agreement_id || '/' || currency || '/' || component,
    frm,
    'payable/' || agreement_id,
    currency,
    amount
from components
where amount <> 0
order by row
