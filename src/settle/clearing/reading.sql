-- What was read, with amounts as integers of minor units and instants as microseconds. This is
-- the one step written for DuckDB alone: it takes text that nobody has checked.
with given as (
    select
        b.row, b.unreadable,
        nullif(b.record_id, '') as record_id,
        nullif(b.original_record_id, '') as original_record_id,
        b.participant_id, b.agreement_id,
        nullif(b.counterparty_id, '') as counterparty_id,
        b.kind, b.currency,
        nullif(b.reference, '') as reference,
        nullif(b.attributes, '') as attributes,
        b.amount_minor_typed, b.occurred_at_typed, b.occurred_at_text,
        b.received_at_typed, b.received_at_text,
        cast(c.exponent as integer) as exponent,
        nullif(coalesce(b.amount_minor_text, b.amount_text), '') as said,
        b.amount_text is not null as is_major,
        coalesce(split_part(coalesce(b.amount_minor_text, b.amount_text), '.', 1), '') as whole,
        rtrim(coalesce(split_part(coalesce(b.amount_minor_text, b.amount_text), '.', 2), ''), '0')
            as fraction
    from batch as b
    left join currencies as c on c.currency = b.currency
),
faulted as (
    select
        *,
        case
            when amount_minor_typed is not null or exponent is null then null
            when said is null then 'amount_missing'
            when starts_with(said, 'float ') then 'amount_is_a_float'
            when regexp_full_match(lower(said), '[+-]?(nan|inf|infinity)')
                then 'amount_not_finite'
            when not regexp_full_match(said, '-?[0-9]+([.][0-9]+)?') then 'amount_not_a_number'
            when not is_major and contains(said, '.') then 'amount_has_a_fraction'
            when length(fraction) > exponent and exponent = 0 then 'amount_has_a_fraction'
            when length(fraction) > exponent then 'amount_has_too_many_decimals'
            when length(ltrim(whole, '-0')) > 19 then 'amount_too_large'
        end as amount_fault
    from given
),
measured as (
    select
        *,
        case
            when amount_minor_typed is not null then cast(amount_minor_typed as decimal(38, 0))
            when amount_fault is null and exponent is not null and is_major
                then cast(whole || rpad(fraction, exponent, '0') as decimal(38, 0))
            when amount_fault is null and exponent is not null
                then cast(whole as decimal(38, 0))
        end as amount_minor,
        instant_us(occurred_at_typed, occurred_at_text) as occurred_us,
        instant_us(received_at_typed, received_at_text) as received_us
    from faulted
)
select
    row, unreadable, record_id, original_record_id, participant_id, agreement_id, counterparty_id,
    kind, currency, reference, attributes, amount_minor, amount_fault,
    coalesce(said, cast(amount_minor_typed as varchar)) as amount_said,
    occurred_us,
    coalesce(occurred_at_text, cast(occurred_at_typed as varchar)) as occurred_said,
    received_us,
    coalesce(received_at_text, cast(received_at_typed as varchar)) as received_said
from measured
