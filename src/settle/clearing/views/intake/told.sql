-- Each record with a digest of all it says, by which two versions of an id are told apart. Each
-- text stands after its length, so that no text can pass for two.
select
    t.*,
    sha256(
        concat_ws(
            ':',
            length(record_id), record_id,
            length(original_record_id), original_record_id,
            'by', length(participant_id), participant_id,
            length(agreement_id), agreement_id,
            'with', length(counterparty_id), counterparty_id,
            kind, cast(amount_minor as varchar), currency, cast(occurred_us as varchar),
            'ref', length(reference), reference,
            'att', length(attributes), attributes
        )
    ) as content
from typed as t
