"""The simulated rail's books: quotes, recipients, transfers, what was funded, what is held."""

from __future__ import annotations

import heapq
import itertools
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from settle.adapters.simulator import Clock, Execution, Memory, OutsideLine
from settle_wise.pricing import priced
from settle_wise.records import Booking, Quote, Transfer


class Books:
    """Everything the rail knows. Memory is appended to before anything is answered."""

    def __init__(
        self,
        *,
        memory: Memory,
        clock: Clock,
        accounts: Mapping[str, str],
        outside: Sequence[OutsideLine],
    ) -> None:
        self._memory, self._clock = memory, clock
        self._due: list[tuple[datetime, int, Booking]] = []
        self._numbers = 0
        self._turns = itertools.count()
        self.balances = dict(accounts)
        self.quotes: dict[str, Quote] = {}
        self.recipients: dict[int, dict[str, Any]] = {}
        self.transfers: dict[int, Transfer] = {}
        self.by_reference: dict[str, Transfer] = {}
        self.bookings: list[Booking] = []
        self.held: defaultdict[str, int] = defaultdict(int)
        self.executed: list[Execution] = []
        for number, line in enumerate(x for x in outside if x.currency in accounts):
            at = datetime.combine(line.day, time(0, 0, 1), UTC) + timedelta(milliseconds=number)
            self._expect(
                Booking(
                    at=at,
                    currency=line.currency,
                    amount_minor=line.amount_minor,
                    line=line,
                    number=number + 1,
                )
            )
        for entry in memory.entries():
            self._enter(entry)

    @property
    def now(self) -> datetime:
        """The rail's time, in UTC."""
        return self._clock().astimezone(UTC)

    def arrive(self) -> None:
        """Book what is due by now. This is called at every request."""
        self._book_until(self.now)

    def quote(self, asked: Mapping[str, Any]) -> Quote:
        """Lock a price."""
        entry = self._keep("quote", asked=_plain(asked))
        return self.quotes[_quote_id(entry["number"])]

    def attach(self, quote: Quote, recipient: int) -> None:
        """Set the recipient of a quote."""
        self._keep("attach", quote=quote.id, recipient=recipient)

    def recipient(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a recipient."""
        return self.recipients[40_000_000 + self._keep("recipient", asked=_plain(asked))["number"]]

    def transfer(self, asked: Mapping[str, Any]) -> Transfer:
        """Make a transfer of a quote."""
        return self.transfers[16_000_000 + self._keep("transfer", asked=_plain(asked))["number"]]

    def fund(self, transfer: Transfer) -> bool:
        """Pay for a waiting transfer from the balance, once; false where it does not suffice."""
        if self.held[transfer.price.source] < transfer.price.source_minor:
            return False
        self._keep("fund", transfer=transfer.id)
        return True

    def cancel(self, transfer: Transfer) -> None:
        """Undo a transfer that has not been sent."""
        self._keep("cancel", transfer=transfer.id)

    def move(self, transfer: Transfer, state: str) -> None:
        """Simulate a state."""
        self._keep("move", transfer=transfer.id, state=state)

    def top_up(self, currency: str, amount_minor: int) -> None:
        """Put money on a balance."""
        self._keep("topup", currency=currency, amount_minor=amount_minor)

    def _keep(self, kind: str, **said: Any) -> dict[str, Any]:
        entry = {"kind": kind, "at": self.now.isoformat(), "number": self._numbers + 1, **said}
        self._memory.append(entry)
        self._enter(entry)
        return entry

    def _enter(self, entry: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(entry["at"])
        self._book_until(at)
        self._numbers = entry["number"]
        enter: dict[str, Callable[[Mapping[str, Any], datetime], None]] = {
            "quote": self._quoted,
            "attach": self._attached,
            "recipient": self._received,
            "transfer": self._made,
            "fund": self._funded,
            "cancel": self._cancelled,
            "move": self._moved,
            "topup": self._topped_up,
        }
        enter[entry["kind"]](entry, at)

    def _quoted(self, entry: Mapping[str, Any], at: datetime) -> None:
        name = _quote_id(entry["number"])
        self.quotes[name] = Quote(id=name, at=at, price=priced(entry["asked"]))

    def _attached(self, entry: Mapping[str, Any], _: datetime) -> None:
        self.quotes[entry["quote"]].recipient = entry["recipient"]

    def _received(self, entry: Mapping[str, Any], _: datetime) -> None:
        number = 40_000_000 + entry["number"]
        self.recipients[number] = {**entry["asked"], "id": number}

    def _made(self, entry: Mapping[str, Any], at: datetime) -> None:
        asked, number = entry["asked"], 16_000_000 + entry["number"]
        quote = self.quotes[asked["quoteUuid"]]
        quote.used = True
        name = str(self.recipients[asked["targetAccount"]]["accountHolderName"])
        made = Transfer(id=number, at=at, price=quote.price, request=asked, name=name)
        self.transfers[number] = self.by_reference[made.reference] = made

    def _funded(self, entry: Mapping[str, Any], at: datetime) -> None:
        transfer = self.transfers[entry["transfer"]]
        transfer.funded_at, price = at, transfer.price
        self._book(
            Booking(
                at=at,
                currency=price.source,
                amount_minor=-price.source_minor,
                fee_minor=price.fee_minor,
                transfer=transfer,
            )
        )
        self._expect_refund(transfer)
        self.executed.append(
            Execution(
                reference=transfer.reference,
                amount_minor=price.target_minor,
                currency=price.target,
                executed_at=at,
            )
        )

    def _cancelled(self, entry: Mapping[str, Any], at: datetime) -> None:
        transfer = self.transfers[entry["transfer"]]
        transfer.cancelled_at = at
        self._expect_refund(transfer)

    def _moved(self, entry: Mapping[str, Any], at: datetime) -> None:
        transfer = self.transfers[entry["transfer"]]
        transfer.moved.append((at, entry["state"]))
        self._expect_refund(transfer)

    def _topped_up(self, entry: Mapping[str, Any], at: datetime) -> None:
        currency, amount_minor = entry["currency"], entry["amount_minor"]
        line = OutsideLine(
            day=at.date(),
            currency=currency,
            amount_minor=amount_minor,
            reference="topup",
            counterparty="",
        )
        self._book(
            Booking(
                at=at,
                currency=currency,
                amount_minor=amount_minor,
                line=line,
                number=entry["number"],
            )
        )

    def _expect_refund(self, transfer: Transfer) -> None:
        if transfer.moved or transfer.cancelled_at is not None:  # another one was expected
            self._due = [x for x in self._due if x[2].transfer is not transfer]
            heapq.heapify(self._due)
        if (refund := transfer.refund()) is not None:
            at, amount_minor = refund
            source = transfer.price.source
            self._expect(
                Booking(at=at, currency=source, amount_minor=amount_minor, transfer=transfer)
            )

    def _expect(self, booking: Booking) -> None:
        heapq.heappush(self._due, (booking.at, next(self._turns), booking))

    def _book_until(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            self._book(heapq.heappop(self._due)[2])

    def _book(self, booking: Booking) -> None:
        self.bookings.append(booking)
        self.held[booking.currency] += booking.amount_minor


def _quote_id(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"quote/{number}"))


def _plain(asked: Mapping[str, Any]) -> Any:
    """A request for a memory of JSON: exact numbers as text."""
    return json.loads(json.dumps(asked, default=str))
