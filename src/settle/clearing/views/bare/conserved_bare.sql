-- The sum over all sides in each currency. Every one is zero.
with sides as (
    select currency, cast(credits_minor as decimal(38, 0)) - debits_minor as amount_minor
    from written_bare
    union all
    select o.currency, o.amount_minor * -k.sign
    from others_bare as o
    join kinds as k on k.kind = o.kind
)
select currency, sum(cast(amount_minor as decimal(38, 0))) as amount_minor
from sides
group by currency
order by currency
