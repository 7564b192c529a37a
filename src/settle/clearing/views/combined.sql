-- The buckets of each position together, in its currency, and its fixed fees.
with legs as (
    select
        place, part, settlement_currency as currency, records, credits_converted_minor,
        debits_converted_minor, converted_minor, turnover_converted_minor,
        cast(0 as decimal(38, 0)) as fees_fixed_minor,
        cast(0 as decimal(38, 0)) as tax_fixed_minor
    from passed_on
    union all
    select place, part, currency, 0, 0, 0, 0, 0, fees_fixed_minor, tax_fixed_minor
    from fixed
),
summed as (
    select
        place,
        part,
        currency,
        sum(cast(records as decimal(38, 0))) as records,
        sum(cast(credits_converted_minor as decimal(38, 0))) as credits_minor,
        sum(cast(debits_converted_minor as decimal(38, 0))) as debits_minor,
        sum(cast(converted_minor as decimal(38, 0))) as converted_minor,
        sum(cast(turnover_converted_minor as decimal(38, 0))) as turnover_minor,
        sum(cast(fees_fixed_minor as decimal(38, 0))) as fees_fixed_minor,
        sum(cast(tax_fixed_minor as decimal(38, 0))) as tax_fixed_minor
    from legs
    group by place, part, currency
)
select a.agreement_id, s.*
from summed as s
join agreements as a on a.place = s.place
