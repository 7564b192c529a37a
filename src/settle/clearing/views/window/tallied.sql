-- How many of the records looked at settle in this window, wait, or are left out, by batch.
select
    s.batch_id,
    s.settles_in,
    s.left_out,
    case s.left_out
        when 'participant_failed' then s.participant_id
        when 'counterparty_failed' then s.counterparty_id
    end as failed_id,
    s.deferred_in is null as is_fresh,
    s.settles_in <= c.window_id and s.left_out is null as is_due,
    s.settles_in < c.window_id as is_late,
    count(*) as records
from sifted as s
cross join closing as c
group by 1, 2, 3, 4, 5, 6, 7
