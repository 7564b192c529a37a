"""What each capped party owes already, of records that no window has settled."""

from __future__ import annotations

from settle.clearing.unsettled import Unsettled
from settle.engine import Scratch

_EXPOSURES = """with sides as (
    select r.participant_id, r.currency,
        cast(r.amount_minor as decimal(38, 0)) * cast(-k.sign as decimal(38, 0)) as debit_minor
    from accepted_open as r join kinds as k on k.kind = r.kind
    union all
    select r.counterparty_id, r.currency,
        cast(r.amount_minor as decimal(38, 0)) * cast(k.sign as decimal(38, 0))
    from accepted_open as r join kinds as k on k.kind = r.kind
    where k.against = 'partner'
)
select participant_id, currency, sum(cast(debit_minor as decimal(38, 0))) as debit_minor
from sides semi join caps using (participant_id, currency)
group by participant_id, currency"""


_NOBODY = """select '' as participant_id, '' as currency, cast(0 as decimal(38, 0)) as debit_minor
    where false"""


def give_exposures(scratch: Scratch, unsettled: Unsettled | None) -> None:
    """Make the net debits of parties with a cap known as `exposures`; none without caps."""
    if unsettled is not None:
        unsettled.gather(scratch)
    scratch.step("exposures", _NOBODY if unsettled is None else _EXPOSURES)
