-- Pass 1: a debit with one payment's reference, on its account, in its currency, of its amount.
-- Where two lines say so, the earlier one is the booking; the other is a duplicate.
with ranked as (
    select
        line_id, payment_id,
        row_number() over (partition by payment_id order by booked_on, line_ref, line_id) as place
    from linked
    where named = 1
        and not booked
        and line_currency = currency
        and line_account = account
        and line_minor = -payment_minor
)
select line_id, payment_id from ranked where place = 1
