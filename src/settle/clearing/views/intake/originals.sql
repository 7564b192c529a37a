-- The day of each sale sought: of this batch or, within the horizon, of an earlier one.
with found as (
    select t.record_id, t.occurred_us
    from typed as t
    semi join sought as s on s.original_record_id = t.record_id
    union all
    select record_id, occurred_us from sold_before
),
earliest as (
    select record_id, min(occurred_us) as occurred_us from found group by record_id
)
select e.record_id, w.window_id as original_on
from earliest as e
join days as w on e.occurred_us >= w.starts_us and e.occurred_us < w.ends_us
