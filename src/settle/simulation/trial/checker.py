"""What must hold of every world, whatever went wrong in it, held against the banks' own truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from settle.hub.auditing import SOURCES
from settle.ledger import (
    Posting,
    audit,
    balances,
    in_transit_against_payments,
    nostro_against_statements,
    seal,
    trial_balance,
)
from settle.ledger.tables import journal
from settle.payments import UNSENT, EventKind, State, open_totals
from settle.payments.postings import Subject, rows
from settle.payments.reposting import standing_rows
from settle.reconciliation import closings
from settle.reconciliation.tables import line_outcomes
from settle.simulation.trial.days import last_day
from settle.simulation.trial.findings import Findings, is_proof
from settle.simulation.trial.invariant import Invariant, Violation
from settle.simulation.trial.worker import SEALED_MAX
from settle.simulation.trial.world import Seen, World

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def violations(world: World) -> list[Violation]:
    """Everything that the world breaks, in the order of the invariants. Empty: all is well."""
    seal(world.store, SOURCES, now=world.now(), salts=world.salts, entries_max=SEALED_MAX)
    with world.store.reading() as connection:
        found = Findings(world=world, connection=connection)
        return [
            Violation(invariant=invariant, why=why)
            for invariant, check in CHECKS.items()
            for why in check(found)
        ]


def _once(found: Findings) -> Iterator[str]:
    for obligation_id, count in sorted(found.executed.items()):
        if count > 1:
            yield f"{obligation_id} was executed {count} times"


def _instructed(found: Findings) -> Iterator[str]:
    for each in found.executions:
        order = found.orders.get(each.reference)
        if order is None:
            yield f"{each.reference} was executed, and is no reference of ours"
        elif (order.amount_minor, order.currency) != (each.amount_minor, each.currency):
            yield f"{order.obligation_id} was executed with {each.amount_minor} {each.currency}"


_WAITING = frozenset(map(State, UNSENT))
_UNPAID = _WAITING | {State.REJECTED, State.CANCELLED, State.FAILED}
_OPEN = frozenset({State.SENDING, State.UNKNOWN})
_PAID = frozenset({State.BOOKED, State.CREDITED, State.RETURNED})


def inspected(world: World) -> list[Seen]:
    """What is wrong at this moment: called unpaid though its bank has executed it, or not reserved.

    A store that was put back knows neither, and does nothing before it does.
    """
    if world.is_restored:
        return []
    with world.store.reading() as connection:
        found = Findings(world=world, connection=connection)
        return [
            *((Invariant.EXECUTED, why) for why in _unpaid_now(found)),
            *((Invariant.RESERVED, why) for why in _unreserved_now(found)),
        ]


def _called_unpaid(found: Findings) -> Iterator[str]:
    yield from _seen(found, Invariant.EXECUTED)
    yield from _unpaid_now(found)


def _unreserved(found: Findings) -> Iterator[str]:
    yield from _seen(found, Invariant.RESERVED)
    yield from _unreserved_now(found)


def _seen(found: Findings, invariant: Invariant) -> Iterator[str]:
    return (why for name, why in found.world.seen if name == invariant)


def _unpaid_now(found: Findings) -> Iterator[str]:
    for row in found.payments:
        if State(row["state"]) in _UNPAID and found.times_executed(row):
            yield f"{row['obligation_id']} is {row['state']}, and was executed"


def _unreserved_now(found: Findings) -> Iterator[str]:
    open_rows = [row for row in found.payments if State(row["state"]) in _OPEN]
    if not open_rows:
        return
    held = found.reserved
    for row in open_rows:
        amount_minor = held[row["payment_id"]]
        if not row["in_transit"] or amount_minor != row["amount_minor"]:
            yield (
                f"{row['obligation_id']} is {row['state']}, and of its {row['amount_minor']} "
                f"{amount_minor} are reserved"
            )


def _chained(found: Findings) -> Iterator[str]:
    audited = audit(found.connection, SOURCES, heads=found.world.heads)
    yield from (f"{flaw.wrong.value}: {flaw.why}" for flaw in audited.flaws)
    if audited.unsealed:
        yield f"{audited.unsealed} rows are in no block"


def _called_paid(found: Findings) -> Iterator[str]:
    for row in found.payments:
        if State(row["state"]) in _PAID and not found.times_executed(row):
            yield f"{row['obligation_id']} is {row['state']}, and was not executed"


def _conserved(found: Findings) -> Iterator[str]:
    ledger = balances(found.connection)
    for proof in nostro_against_statements(ledger, closings(found.connection)):
        if not proof.holds:
            yield (
                f"{proof.subject} holds {proof.ledger_minor} {proof.currency} in the ledger and "
                f"{proof.other_minor} at the bank"
            )
    booked = _booked(found.connection)
    truth: Counter[str] = Counter()
    for each in found.executions:
        if each.executed_at.date() <= last_day(found.world.now()):
            truth[each.currency] += each.amount_minor
    for currency in sorted(truth.keys() | booked.keys()):
        if truth[currency] != booked[currency]:
            yield f"{truth[currency]} {currency} left the banks, and {booked[currency]} is booked"


def _booked(connection: Connection) -> Counter[str]:
    total = sa.func.sum(journal.c.amount_minor)
    query = sa.select(journal.c.currency, total).where(journal.c.event == "booking")
    return Counter(dict(map(tuple, connection.execute(query.group_by(journal.c.currency)))))


def _closed(found: Findings) -> Iterator[str]:
    for row in found.payments:
        events = found.events.get(row["payment_id"], ())
        unknown = {e.ordinal for e in events if e.kind is EventKind.UNKNOWN}
        if not unknown:
            continue
        if row["state"] in (State.UNKNOWN, State.SENDING):
            if row["payment_id"] not in found.shown:
                yield f"{row['obligation_id']} is {row['state']}, and is shown to nobody"
        elif not any(map(is_proof, events)) and unknown & set(
            found.proved[row["payment_id"]].open_releases
        ):
            yield f"{row['obligation_id']} was unknown and is {row['state']}, by no evidence"


def _folded(found: Findings) -> Iterator[str]:
    for row in found.payments:
        proved = found.proved[row["payment_id"]]
        if (row["state"], bool(row["in_transit"])) != (proved.state, proved.in_transit):
            yield f"{row['obligation_id']} is {row['state']}, and its events prove {proved.state}"


def _ledger(found: Findings) -> Iterator[str]:
    ledger = balances(found.connection)
    proofs = [
        *trial_balance(ledger),
        *in_transit_against_payments(ledger, open_totals(found.connection)),
    ]
    for proof in proofs:
        if not proof.holds:
            yield f"{proof.name} {proof.currency}: {proof.ledger_minor}, not {proof.other_minor}"
    posted = _posted(found.connection)
    for row in found.payments:
        subject = Subject(**{name: row[name] for name in Subject.__dataclass_fields__})
        implied = rows(subject, found.events.get(row["payment_id"], ()))
        mine = posted[row["payment_id"]]
        moves = [(each.debit, each.credit, each.amount_minor) for each in implied]
        every = [(each["debit"], each["credit"], each["amount_minor"]) for each in mine]
        as_implied = _whole(standing_rows(mine).values()) == _whole(implied)
        if not as_implied or _nets(every) != _nets(moves):
            yield f"{row['obligation_id']} is posted otherwise than its events imply"


def _posted(connection: Connection) -> Mapping[str, list[dict[str, Any]]]:
    posted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(sa.select(journal)).mappings():
        posted[row["subject"]].append(dict(row))
    return posted


def _whole(postings: Iterable[Posting]) -> list[tuple[str, str, str, str, int]]:
    """Rows but for their days, and for how often they were posted anew."""
    return sorted((x.event, x.debit, x.credit, x.currency, x.amount_minor) for x in postings)


def _nets(moves: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """What they come to, by account."""
    nets: dict[str, int] = defaultdict(int)
    for debit, credit, amount_minor in moves:
        nets[debit] += amount_minor
        nets[credit] -= amount_minor
    return {account: net for account, net in nets.items() if net}


def _lost(found: Findings) -> Iterator[str]:
    planned = {row["obligation_id"] for row in found.payments}
    for order in found.world.scenario.orders:
        if order.obligation_id not in planned:
            yield f"{order.obligation_id} got no payment"
    for row in found.payments:
        if not row["live"]:
            continue
        if State(row["state"]) in _WAITING:
            if row["hold_reason"]:  # somebody must look, and is shown it
                continue
            yield f"{row['obligation_id']} is {row['state']} at the end, and nothing hinders it"
        elif row["state"] == State.SENDING:
            yield f"{row['obligation_id']} is sending at the end, and nobody is"
        elif row["state"] == State.ACCEPTED and not _may_come(row, found):
            yield f"{row['obligation_id']} is on no statement, and no break says so"


def _may_come(row: Mapping[str, Any], found: Findings) -> bool:
    """Whether it is shown as missing, or was sent on a day that is not over."""
    sent = row["released_at"]  # None: only the store that was put back knows of the sending
    sent_today = sent is not None and sent.date() > last_day(found.world.now())
    return sent_today or row["payment_id"] in found.missing


def _explained(found: Findings) -> Iterator[str]:
    query = sa.select(line_outcomes.c.why).where(line_outcomes.c.matched_on.is_(None))
    yield from sorted(why for (why,) in found.connection.execute(query))


_AT_THE_WIRE = (
    Invariant.KEY,
    Invariant.OVER,
    Invariant.ASKED_BACK,
    Invariant.RESTORED,
    Invariant.CUT_OFF,
    Invariant.PAUSED,
    Invariant.INTENT,
    Invariant.HELD,
)


def _witnessed(invariant: Invariant) -> Callable[[Findings], Iterator[str]]:
    return lambda found: iter(found.world.witness.found[invariant])


CHECKS: Mapping[Invariant, Callable[[Findings], Iterator[str]]] = {
    Invariant.ONCE: _once,
    Invariant.INSTRUCTED: _instructed,
    Invariant.EXECUTED: _called_unpaid,
    Invariant.UNEXECUTED: _called_paid,
    **{name: _witnessed(name) for name in _AT_THE_WIRE},
    Invariant.TOLD: lambda found: (why for told in found.world.told for why in told.early),
    Invariant.FOLD: _folded,
    Invariant.EVIDENCE: _closed,
    Invariant.CONSERVED: _conserved,
    Invariant.RESERVED: _unreserved,
    Invariant.LEDGER: _ledger,
    Invariant.CHAINED: _chained,
    Invariant.LOST: _lost,
    Invariant.EXPLAINED: _explained,
    Invariant.SOUND: lambda found: iter(found.world.broken),
}
"""What is checked, the gravest first."""
