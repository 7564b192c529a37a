-- The lines to explain; a party's name without case, blanks and points, as banks write it.
select
    line_id, line_ref, rail, account, currency, amount_minor, kind, booked_on, value_on,
    end_to_end_id, uetr, batch_id, batch_count, charges_minor,
    reference_names like '%"CcyXchg"%' as exchanged,
    replace(replace(replace(upper(counterparty), ' ', ''), '.', ''), ',', '') as party
from given_lines
