-- Passes 3b and 4: only where the explanation is the line's only one, and where none of its
-- payments could explain another line as well. Twins are refused, both of them.
-- `is_known` is 0 where nobody knows the outcome of one of its payments: without a reference no
-- line proves that, and who says so are people.
with chosen as (
    select
        line_id, count(distinct explanation) as explanations, count(*) as payments,
        min(is_known) as is_known
    from explanations
    group by line_id
),
claimed as (
    select payment_id, count(distinct line_id) as claims
    from explanations
    group by payment_id
),
doubtful as (
    select distinct e.line_id
    from explanations as e
    join claimed as c on c.payment_id = e.payment_id
    where c.claims > 1
)
select e.line_id, e.pass, e.payment_id, c.payments, c.is_known
from explanations as e
join chosen as c on c.line_id = e.line_id and c.explanations = 1
where not exists (select 1 from doubtful as d where d.line_id = e.line_id)
