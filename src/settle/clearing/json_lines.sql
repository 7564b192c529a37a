-- The lines that are flat objects of fields of a record: `fields` as they stand, and the text of
-- each. A line is here only if there is one way to read it: every field is one of a record's and
-- is there once, and what it holds is text, a whole number within 64 bits, true, false or null.
-- This is written for DuckDB alone. Its reader of JSON passes a comma before the last brace.
with told as (
    select
        row,
        json_keys(line) as fields,
        json_type(line, [
            '$', '$.record_id', '$.original_record_id', '$.participant_id', '$.agreement_id',
            '$.counterparty_id', '$.kind', '$.currency', '$.reference', '$.attributes',
            '$.amount_minor', '$.amount', '$.occurred_at', '$.received_at'
        ]) as kinds,
        json_extract_string(line, [
            '$.record_id', '$.original_record_id', '$.participant_id', '$.agreement_id',
            '$.counterparty_id', '$.kind', '$.currency', '$.reference', '$.attributes',
            '$.amount_minor', '$.amount', '$.occurred_at', '$.received_at'
        ]) as texts
    from lines
    where json_valid(line) and not regexp_matches(line, ',[ \t\r]*[}][ \t\r]*$')
)
select
    row, fields,
    texts[1] as record_id, texts[2] as original_record_id, texts[3] as participant_id,
    texts[4] as agreement_id, texts[5] as counterparty_id, texts[6] as kind,
    texts[7] as currency, texts[8] as reference, texts[9] as attributes,
    texts[10] as amount_minor, texts[11] as amount,
    texts[12] as occurred_at, texts[13] as received_at
from told
where kinds[1] = 'OBJECT' and len(fields) = len(list_filter(
    kinds, lambda kind: kind in ('VARCHAR', 'UBIGINT', 'BIGINT', 'BOOLEAN', 'NULL')
))
