-- How much netting saved, per currency: records that would each have been paid, against what is
-- left to pay; and the most that the hub has to put up, paying every credit before any debit
-- comes in. Reserves and what earlier windows left are not netting: they are out of it.
with traded as (
    select
        currency,
        records,
        credits_minor,
        debits_minor,
        converted_minor + fees_fixed_minor + tax_fixed_minor as net_minor
    from combined
),
summed as (
    select
        currency,
        sum(cast(records as decimal(38, 0))) as gross_count,
        sum(cast(credits_minor + debits_minor as decimal(38, 0))) as gross_minor,
        sum(case when net_minor <> 0 then 1 else 0 end) as net_count,
        sum(cast(abs(net_minor) as decimal(38, 0))) as net_minor,
        sum(cast(credits_minor as decimal(38, 0))) as peak_gross_minor,
        sum(cast(greatest(net_minor, 0) as decimal(38, 0))) as peak_net_minor
    from traded
    group by currency
)
select
    s.*,
    s.gross_count - s.net_count as payments_saved,
    case when s.gross_minor > 0
        then 1000000 - quotient(s.net_minor * 1000000, s.gross_minor)
        else 0
    end as efficiency_ppm
from summed as s
