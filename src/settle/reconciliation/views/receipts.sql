-- Pass 5: money we expect by its text (deposits, own funds, treasury), by the rules given.
-- A text is padded with a blank, so that a rule's prefix ends at a word.
with named as (
    select
        t.line_id, r.account as template,
        trim(substr(t.text, length(r.prefix) + 1)) as subject
    from line_texts as t
    join lines as l on l.line_id = t.line_id
    join receipt_rules as r
        on substr(t.text, 1, length(r.prefix)) = r.prefix
        and ((r.inflow and l.amount_minor > 0) or (r.outflow and l.amount_minor < 0))
    where not exists (select 1 from linked as k where k.line_id = t.line_id)
        and not exists (select 1 from batch_reference as b where b.line_id = t.line_id)
        and l.kind = 'transfer'
),
accounts as (
    select distinct line_id, replace(template, '{id}', subject) as account
    from named
    where template = replace(template, '{id}', '')
        or (
            subject <> ''
            and subject = replace(subject, ' ', '')
            and subject = replace(subject, '/', '')
        )
)
select line_id, min(account) as account
from accounts
group by line_id
having count(*) = 1
