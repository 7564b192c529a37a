-- The buckets of each agreement together, in its settlement currency.
select
    agreement_id,
    sum(cast(records as decimal(38, 0))) as records,
    sum(cast(converted_minor as decimal(38, 0))) as converted_minor,
    sum(cast(turnover_converted_minor as decimal(38, 0))) as turnover_minor
from converted
group by agreement_id
