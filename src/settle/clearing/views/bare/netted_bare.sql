-- What each agreement turned over in each currency, and what is left of it: one pass, no terms.
with turned_over as (
    select
        t.agreement_id,
        t.currency,
        count(*) as records,
        total(t.amount_minor) as turnover_minor,
        total_where(t.amount_minor, k.sign = 1) as credits_minor
    from typed as t
    join kinds as k on k.kind = t.kind
    group by t.agreement_id, t.currency
)
select
    agreement_id,
    currency,
    records,
    minor(credits_minor) as credits_minor,
    minor(turnover_minor - credits_minor) as debits_minor,
    minor(credits_minor - (turnover_minor - credits_minor)) as net_minor
from turned_over
