"""What went wrong on the wire: answers that never came, servers that failed, nothing sent."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Effect
from settle.payments import State
from settle.payments.rows import chunks
from settle.payments.tables import exchanges, payments
from settle.report.assembly.night import NightFacts
from settle.report.assembly.unknowns import Ended
from settle.report.figures import count, plural
from settle.report.model import Incident

_IDENTIFIER = re.compile(r"(?<=/)[A-Za-z0-9-]{16,}")
_UNCLEAR = frozenset({State.UNKNOWN.value, State.SENDING.value})
_SERVICE_UNAVAILABLE = 503
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One request that did not get an answer to trust. `states`: its payments, and how they stand.

    `kind` is what went wrong, `request` the method and the path without what names one payment.
    """

    kind: str
    request: str
    rail: str
    status: int | None
    at: datetime
    moves: bool
    states: Mapping[str, str]


def wire_incidents(
    connection: Connection, night: NightFacts, unknowns: Mapping[str, Ended]
) -> Iterator[Incident]:
    """The night's failures of one kind at one place, told together."""
    groups: dict[tuple[str, str, str, int], list[Failure]] = defaultdict(list)
    for failure in _failures(connection, night):
        groups[failure.kind, failure.rail, failure.request, failure.status or 0].append(failure)
    for _, failures in sorted(groups.items()):
        yield together(failures, unknowns)


def together(failures: Sequence[Failure], unknowns: Mapping[str, Ended]) -> Incident:
    """Failures of one kind at one place as one incident, and how their payments ended."""
    first = failures[0]
    states = {name: state for failure in failures for name, state in failure.states.items()}
    return Incident(
        kind=first.kind,
        at=min(failure.at for failure in failures),
        what=_what(failures),
        now=_now(states, unknowns, moves=first.moves),
        closed=not any(state in _UNCLEAR for state in states.values()),
    )


def _what(failures: Sequence[Failure]) -> str:
    first, number = failures[0], len(failures)
    rail = first.rail or "A rail"
    match first.kind:
        case "lost_answer":
            said = f"{rail} gave no answer to {first.request}"
        case "interrupted":
            said = f"The night was stopped while {rail} was asked {first.request}"
        case "not_sent":
            said = f"No connection to {rail} for {first.request}"
        case _:
            said = f"{rail} answered {first.status} to {first.request}"
    span = max(failure.at for failure in failures) - min(failure.at for failure in failures)
    often = f", {count(number)} times within {plural(int(span.total_seconds()) + 1, 'second')}"
    return said + (often if number > 1 else "")


def _now(states: Mapping[str, str], unknowns: Mapping[str, Ended], *, moves: bool) -> str:
    if not moves:
        return "A question only: nothing moved, and it is asked again"
    if not states:
        return "The payments have been released anew since"
    ways = Counter(_way(name, state, unknowns) for name, state in states.items())
    if len(ways) == 1:
        return f"{plural(len(states), 'payment')} {next(iter(ways))}"
    told = "; ".join(f"{count(number)} {way}" for way, number in sorted(ways.items()))
    return f"{plural(len(states), 'payment')}: {told}"


def _way(name: str, state: str, unknowns: Mapping[str, Ended]) -> str:
    if state in _UNCLEAR:
        return "still unknown, with the money reserved"
    return unknowns[name].how if name in unknowns else state.replace("_", " ")


def _failures(connection: Connection, night: NightFacts) -> Iterator[Failure]:
    exchange = exchanges.c
    query = (
        sa.select(
            exchange.conversation_id, exchange.step, exchange.turn, exchange.effect,
            exchange.method, exchange.target, exchange.status, exchange.intent_at,
            exchange.silence, exchange.sent,
        )
        .where(
            night.within(exchange.intent_at),
            sa.or_(exchange.status.is_(None), exchange.status >= _SERVER_ERRORS),
        )
        .order_by(exchange.intent_at, exchange.conversation_id, exchange.step, exchange.turn)
    )  # fmt: skip
    rows = connection.execute(query).all()
    found = _payments(connection, sorted({row.conversation_id for row in rows}))
    for row in rows:
        rail, states = found.get(row.conversation_id, ("", {}))
        yield Failure(
            rail=rail,
            kind=_kind(row.status, row.silence, sent=row.sent),
            request=f"{row.method} {_place(row.target)}",
            status=row.status,
            at=row.intent_at,
            moves=row.effect == Effect.COMMITS.value,
            states=states,
        )


def _kind(status: int | None, silence: str | None, *, sent: bool) -> str:
    if status is not None:
        return "503_storm" if status == _SERVICE_UNAVAILABLE else "server_error"
    if silence is None:
        return "interrupted"
    return "lost_answer" if sent else "not_sent"


def _place(target: str) -> str:
    return _IDENTIFIER.sub("…", target.partition("?")[0])


def _payments(
    connection: Connection, conversations: Sequence[str]
) -> dict[str, tuple[str, dict[str, str]]]:
    """By conversation: the rail it was with, and its payments with how they stand."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    payment = payments.c
    for some in chunks(conversations):
        query = sa.select(
            payment.conversation_id, payment.rail, payment.payment_id, payment.state
        ).where(payment.conversation_id.in_(some))
        for conversation_id, rail, payment_id, state in connection.execute(query):
            found.setdefault(conversation_id, (rail, {}))[1][payment_id] = state
    return found
