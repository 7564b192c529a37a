"""Engines with one planted defect each: what the simulation must catch, and by which name.

Each is a small patch of the real engine, in place only while a world is played with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from settle.hub.epoch import Epoch
from settle.payments import (
    claiming,
    door,
    events,
    exchanges,
    executor,
    lane,
    polling,
    postings,
    retaking,
    sending,
    steps,
)
from settle.payments.exchanges import StoreRecorder
from settle.payments.gate import admission
from settle.simulation.trial import broken, morning, unguarded
from settle.simulation.trial.invariant import Invariant

Patch = tuple[Any, str, Callable[[Any], Any]]
"""Where something stands, its name, and what it becomes, given what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing an engine may do wrong. `breaks` is the invariant that it is caught by."""

    name: str
    summary: str
    breaks: Invariant
    patches: Sequence[Patch]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The engine has the defect while this lasts."""
        with ExitStack() as undo:
            for owner, name, breaking in self.patches:
                healthy = getattr(owner, name)
                setattr(owner, name, breaking(healthy))
                undo.callback(setattr, owner, name, healthy)
            yield


_UNSTOPPED: Sequence[Patch] = (
    (retaking, "_stopped", unguarded.none_stopped),
    (exchanges, "keep_intents", broken.unfenced),
)
"""Neither as it is taken nor as it leaves is anybody asked whether it still may."""

DEFECTS: Mapping[str, Defect] = {
    defect.name: defect
    for defect in (
        Defect(
            name="fresh-key-on-retry",
            summary="what is unknown gets a new key, and is sent again",
            breaks=Invariant.ONCE,
            patches=[(lane, "end", broken.on_unknown(broken.fresh_key))],
        ),
        Defect(
            name="timeout-is-failure",
            summary="no answer counts as proof that nothing happened",
            breaks=Invariant.ONCE,
            patches=[(lane, "outcome_of", broken.hasty)],
        ),
        Defect(
            name="told-before-commit",
            summary="an outcome is acted on before it is durable",
            breaks=Invariant.TOLD,
            patches=[(lane.Lane, "close", broken.told_first)],
        ),
        Defect(
            name="reroute-on-unknown",
            summary="what one rail may have done is given to another",
            breaks=Invariant.ONCE,
            patches=[(lane, "end", broken.on_unknown(broken.other_rail))],
        ),
        Defect(
            name="key-after-its-life",
            summary="a key is used again when the rail has forgotten it",
            breaks=Invariant.ONCE,
            patches=[(polling, "_may_be_resent", broken.whatever_its_age)],
        ),
        Defect(
            name="resend-without-dedupe",
            summary="a rail that keeps no keys is sent the same again",
            breaks=Invariant.ONCE,
            patches=[(polling, "_may_be_resent", broken.whatever_the_rail)],
        ),
        Defect(
            name="late-event-wins",
            summary="a state that is proved is overwritten by whatever comes later",
            breaks=Invariant.FOLD,
            patches=[(events, "state_of", broken.last_word)],
        ),
        Defect(
            name="dead-worker-resent",
            summary="what a dead worker was sending is sent again instead of found",
            breaks=Invariant.ONCE,
            patches=[
                (polling, "recover", broken.sent_again),
                (exchanges, "keep_intents", broken.unfenced),
            ],
        ),
        Defect(
            name="failure-notice-believed",
            summary="a notification of failure counts as proof",
            breaks=Invariant.EXECUTED,
            patches=[(door, "_proves_nothing", broken.always)],
        ),
        Defect(
            name="not-found-believed",
            summary="what the rail does not find now counts as never created",
            breaks=Invariant.EXECUTED,
            patches=[(door, "_event", broken.believed)],
        ),
        Defect(
            name="short-return-in-full",
            summary="a return short of charges is booked as if all had come back",
            breaks=Invariant.CONSERVED,
            patches=[(postings, "_comeback", broken.in_full)],
        ),
        Defect(
            name="intent-not-stored",
            summary="a request leaves before its intent is durable",
            breaks=Invariant.INTENT,
            patches=[(StoreRecorder, "intent", broken.nothing_stored)],
        ),
        Defect(
            name="no-fence",
            summary="a worker that lost its lease goes on and sends",
            breaks=Invariant.HELD,
            patches=[(exchanges, "keep_intents", broken.unfenced)],
        ),
        Defect(
            name="unknown-closed-by-age",
            summary="what the rail does not find is given up without proof",
            breaks=Invariant.EVIDENCE,
            patches=[(door, "_event", broken.given_up)],
        ),
        Defect(
            name="accepted-is-paid",
            summary="what a rail accepted counts as paid",
            breaks=Invariant.UNEXECUTED,
            patches=[(lane, "event_of", broken.paid_at_once)],
        ),
        Defect(
            name="amount-in-other-units",
            summary="an amount is sent in units a hundred times as small",
            breaks=Invariant.INSTRUCTED,
            patches=[(sending, "payment_of", broken.hundredfold)],
        ),
        Defect(
            name="reversal-forgotten",
            summary="what a rejection gives back is not posted",
            breaks=Invariant.LEDGER,
            patches=[(events, "rows", broken.never_reversed)],
        ),
        Defect(
            name="not-moved-forgotten",
            summary="what did not leave the first time is never tried again",
            breaks=Invariant.LOST,
            patches=[(executor, "_wish", broken.forgotten)],
        ),
        Defect(
            name="booked-twice",
            summary="a payment that came back is booked out twice",
            breaks=Invariant.CONSERVED,
            patches=[(postings, "_booking", broken.twice_posted)],
        ),
        Defect(
            name="cut-off-ignored",
            summary="payments leave whatever the hour",
            breaks=Invariant.CUT_OFF,
            patches=[(lane.Run, "lanes", unguarded.never_closed)],
        ),
        Defect(
            name="resent-after-cut-off",
            summary="what is sent again leaves whatever the hour",
            breaks=Invariant.CUT_OFF,
            patches=[(polling, "_resend", unguarded.resent_late)],
        ),
        Defect(
            name="pause-ignored",
            summary="a payment is let go to a rail that is paused",
            breaks=Invariant.PAUSED,
            patches=[
                (claiming, "is_free", unguarded.any_time),
                (claiming, "_claimable", unguarded.made_anew),
                (admission, "paused", unguarded.never_paused),
                (exchanges, "keep_intents", broken.unfenced),
            ],
        ),
        Defect(
            name="pause-ignored-by-resending",
            summary="what is sent again goes to a rail that is paused",
            breaks=Invariant.PAUSED,
            patches=[(polling, "_resend", unguarded.resent_paused), *_UNSTOPPED],
        ),
        Defect(
            name="asked-back-resent",
            summary="what somebody wants back is sent again",
            breaks=Invariant.ASKED_BACK,
            patches=_UNSTOPPED,
        ),
        Defect(
            name="stopped-midway-leaves",
            summary="an intent is kept for what was asked back since it was taken",
            breaks=Invariant.ASKED_BACK,
            patches=[(exchanges, "keep_intents", broken.unfenced)],
        ),
        Defect(
            name="ledger-edited",
            summary="rows of the journal are changed after they were sealed",
            breaks=Invariant.CHAINED,
            patches=[(morning, "record", unguarded.tidied)],
        ),
        Defect(
            name="funds-freed-on-unknown",
            summary="money that may have left is given back before anybody knows",
            breaks=Invariant.RESERVED,
            patches=[
                (postings, "_releases", unguarded.freed_funds),
                (steps, "follows", unguarded.long_way),
            ],
        ),
        Defect(
            name="absent-before-horizon",
            summary="what a rail does not find is closed before its horizon",
            breaks=Invariant.EXECUTED,
            patches=[(polling, "note_absent", unguarded.absent_at_once)],
        ),
        Defect(
            name="restored-store-pays",
            summary="a store that was put back sends before it was searched",
            breaks=Invariant.RESTORED,
            patches=[(Epoch, "was_restored", unguarded.never_restored)],
        ),
    )
}
"""Every planted defect by name."""
