-- The journal rows of reserves, recovery and set-off: an amount from one account to another,
-- signed; a negative one moves the other way.
with moves as (
    select
        agreement_id, part, currency, 'reserve_withheld' as component, 'reserve/' as account,
        reserve_withheld_minor as amount
    from obliged
    union all
    select
        agreement_id, part, currency, 'reserve_released', 'reserve/', reserve_released_minor
    from obliged
    union all
    select
        agreement_id, part, currency, 'reserve_recovered', 'reserve/', reserve_recovered_minor
    from obliged
    union all
    select
        agreement_id, part, currency, 'collateral_used', 'collateral/', collateral_used_minor
    from obliged
    union all
    select agreement_id, part, currency, 'claimed', 'claims/', claimed_minor
    from obliged
)
select
    'agreement/' || agreement_id || case when part = '' then '' else '/' || part end
        || '/' || currency || '/' || component as row,
    account || agreement_id as frm,
    'payable/' || agreement_id as into_account,
    currency,
    amount
from moves
where amount <> 0
union all
select
    'agreement/' || taker || '/' || currency || '/set_off/' || giver,
    'payable/' || giver,
    'payable/' || taker,
    currency,
    amount_minor
from set_off
