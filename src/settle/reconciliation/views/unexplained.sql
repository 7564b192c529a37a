-- Every line that nothing explains, with the kind of break it is and the reason in one word.
-- `expected_minor` is what the payment or batch it looks like amounts to, `expected_count` how
-- many payments that is.
with batches as (
    select
        p.rail, p.batch_id,
        count(o.payment_id) as open_count,
        coalesce(sum(cast(o.amount_minor as decimal(38, 0))), cast(0 as decimal(38, 0)))
            as open_minor,
        sum(case when p.booked or b.payment_id is not null then 1 else 0 end) as booked_count
    from payments as p
    left join open_payments as o on o.payment_id = p.payment_id
    left join bookings as b on b.payment_id = p.payment_id
    where p.batch_id is not null
    group by p.rail, p.batch_id
),
looks_like as (
    select line_id, min(payment_id) as payment_id, max(payments) as payments
    from unique_explanation
    group by line_id
),
judged as (
    select
        l.line_id, l.amount_minor, l.kind as line_kind, k.named, k.payment_minor, k.charges_minor,
        coalesce(k.payment_id, case when u.payments = 1 then u.payment_id end) as payment_id,
        u.payments as alike, n.batch_id, n.open_count, n.open_minor, n.booked_count,
        k.line_currency = k.currency as same_currency,
        k.line_account = k.account as same_account,
        k.returned or r.payment_id is not null as is_returned,
        k.booked or b.payment_id is not null as is_booked,
        exists (select 1 from explanations as e where e.line_id = l.line_id) as has_explanation
    from lines as l
    left join linked as k on k.line_id = l.line_id
    left join bookings as b on b.payment_id = k.payment_id
    left join return_reference as r on r.payment_id = k.payment_id
    left join looks_like as u on u.line_id = l.line_id
    left join batches as n on n.rail = l.rail and n.batch_id = l.batch_id
    where not exists (select 1 from matched as m where m.line_id = l.line_id)
        and not exists (select 1 from receipts as x where x.line_id = l.line_id)
)
select
    line_id,
    payment_id,
    case
        when named > 1 then 'two_payments'
        when named = 1 and amount_minor < 0 then
            case
                when is_booked then 'booked_before'
                when not same_currency then 'other_currency'
                when not same_account then 'other_account'
                when amount_minor - charges_minor = -payment_minor
                    or amount_minor + charges_minor = -payment_minor then 'charges_netted'
                else 'other_amount'
            end
        when named = 1 then
            case
                when not same_currency then 'other_currency'
                when not same_account then 'other_account'
                when is_returned then 'returned_before'
                when amount_minor > payment_minor then 'more_than_paid'
                when line_kind = 'transfer' then 'part_came_back'
                when charges_minor <> 0 and amount_minor + charges_minor <> payment_minor
                    then 'charges_do_not_add_up'
                else 'not_booked_yet'
            end
        when batch_id is not null and amount_minor < 0 then
            case
                when open_count = 0 and booked_count > 0 then 'batch_booked_before'
                when open_count = 0 then 'batch_refused'
                else 'batch_differs'
            end
        when line_kind in ('return', 'reversal') then 'return_of_nothing'
        when line_kind = 'charge' then 'charge'
        when alike = 1 then 'outcome_unknown'
        when alike > 1 then 'outcomes_unknown'
        when has_explanation then 'not_unique'
        else 'nothing_fits'
    end as reason,
    cast(coalesce(payment_minor, open_minor) as decimal(38, 0)) as expected_minor,
    coalesce(open_count, named, alike) as expected_count
from judged
