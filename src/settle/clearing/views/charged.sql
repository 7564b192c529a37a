-- Each record with the counterparty it faces under bilateral netting, the day whose rate it asks
-- for (blank: that of a sale nobody sought), and its percent fee where its agreement has no
-- schedule: of a sale, and of a refund that gives it back. It is rounded a record.
select
    r.record_id,
    r.occurred_at,
    r.occurred_window,
    r.counterparty_id,
    a.place,
    a.convert_per,
    coalesce(a.fee_schedule, '') as schedule_id,
    a.rounding,
    a.netting,
    case when a.netting = 'bilateral' then coalesce(r.counterparty_id, 'hub') else '' end as facing,
    r.kind,
    r.currency,
    case
        when a.refund_rate = 'original'
            and r.kind in ('refund', 'refund_correction', 'refund_fee_returned', 'refund_fee_retaken')
            then coalesce(r.original_on, '')
        else r.occurred_window
    end as rate_on,
    r.amount_minor,
    coalesce(a.fee_schedule, '') = ''
        and (r.kind = 'sale' or (r.kind = 'refund' and a.fee_back_on_refund)) as pays_percent,
    case
        when coalesce(a.fee_schedule, '') <> '' then cast(0 as bigint)
        when r.kind = 'sale' or (r.kind = 'refund' and a.fee_back_on_refund)
            then share_of(r.amount_minor, a.fee_ppm, a.rounding)
        else cast(0 as bigint)
    end as percent_minor
from records as r
join agreements as a on a.agreement_id = r.agreement_id
