-- Pass 2: a credit with the reference of a payment that was booked: what came back and the
-- charges stated make the instructed amount. Where a return states no charges, the shortfall is
-- taken as charges, and a break asks about it. Where the money was converted on its way back,
-- what the charges leave open is what the rate took.
with candidates as (
    select k.line_id, k.line_ref, k.booked_on, k.payment_id
    from linked as k
    where k.named = 1
        and not k.returned
        and k.line_minor > 0
        and k.line_minor <= k.payment_minor
        and k.line_currency = k.currency
        and k.line_account = k.account
        and (
            k.line_minor + k.charges_minor = k.payment_minor
            or (k.charges_minor = 0 and k.kind in ('return', 'reversal'))
            or (
                k.exchanged
                and k.kind in ('return', 'reversal')
                and k.line_minor + k.charges_minor < k.payment_minor
            )
        )
        and (
            k.booked
            or k.state in ('booked', 'credited', 'returned')
            or exists (select 1 from bookings as b where b.payment_id = k.payment_id)
        )
),
ranked as (
    select
        line_id, payment_id,
        row_number() over (partition by payment_id order by booked_on, line_ref, line_id) as place
    from candidates
)
select line_id, payment_id from ranked where place = 1
