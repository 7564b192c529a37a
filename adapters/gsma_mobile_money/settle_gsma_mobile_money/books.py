"""The simulated rail's books: what it was asked, what it made of it, what each wallet holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from settle.adapters.simulator import Clock, Execution, Memory, OutsideLine
from settle.errors import BadInput
from settle.money import to_minor
from settle_gsma_mobile_money import rules
from settle_gsma_mobile_money.deeds import (
    LATER,
    PENDING,
    REJECT,
    RETURN,
    STATUS,
    Ask,
    Deed,
    ask_of,
    name_of,
    payee_of,
    undoing,
)


class Books:
    """All wallets, requests and transactions. Memory is appended to before anything is answered."""

    def __init__(
        self, *, memory: Memory, clock: Clock, accounts: Mapping[str, str],
        outside: Sequence[OutsideLine],
    ) -> None:  # fmt: skip
        self._memory, self._clock = memory, clock
        self._awaited = deque(sorted(outside, key=lambda x: x.day))
        self.wallets = {account: currency for currency, account in accounts.items()}
        self._of_currency = dict(accounts)
        self.held = dict.fromkeys(self.wallets, 0)
        self.deeds: dict[str, Deed] = {}
        self.asks: list[Ask] = []
        self.by_correlation: dict[str, Ask] = {}
        self.executed: list[Execution] = []
        self._pending: list[Ask] = []
        self._arrived = 0
        for entry in memory.entries():
            if "ask" in entry:
                self._enter(entry["ask"])
            if "done" in entry:
                self._apply(entry["done"])

    def now(self) -> datetime:
        """The rail's time."""
        return self._clock().astimezone(UTC)

    def advance(self) -> None:
        """Book what others brought, and carry out what is due. This is called at every request."""
        today = self.now().date()
        while self._awaited and self._awaited[0].day <= today:
            self._come_in(self._awaited.popleft())
        for ask in sorted(self._pending, key=lambda x: (x.due, x.number)):
            if ask.due <= self.now():
                done = self._verdict(ask)
                self._memory.append({"done": done})
                self._apply(done)

    def take(
        self, kind: str, body: Any, *, correlation: str, callback: str, client: str, target: str,
        later: bool,
    ) -> Ask:  # fmt: skip
        """Take a request. One that is carried out at once is over when this returns.

        What is refused at once leaves nothing behind: its name is free.
        """
        minutes = PENDING.search(payee_of(body))
        wait = timedelta(minutes=int(minutes[1])) if minutes else LATER if later else timedelta()
        entry = {
            "number": len(self.asks) + 1, "kind": kind, "at": self.now().isoformat(),
            "due": (self.now() + wait).isoformat(), "correlation": correlation,
            "callback": callback, "client": client, "target": target, "body": body,
        }  # fmt: skip
        if wait:
            self._memory.append({"ask": entry})
            return self._enter(entry)
        done = self._verdict(ask_of(entry))
        if done["error"]:
            refused = ask_of(entry)
            refused.state, refused.error = "failed", done["error"]
            return refused
        self._memory.append({"ask": entry, "done": done})
        ask = self._enter(entry)
        self._apply(done)
        return ask

    def _enter(self, entry: Mapping[str, Any]) -> Ask:
        ask = ask_of(entry)
        self.asks.append(ask)
        self._pending.append(ask)
        if ask.correlation:
            self.by_correlation[ask.correlation] = ask
        return ask

    def _verdict(self, ask: Ask) -> dict[str, Any]:
        done: dict[str, Any] = {"number": ask.number, "at": self.now().isoformat(), "error": ""}
        match ask.kind:
            case "transaction":
                done["error"] = self._fault(ask.body, spent=0)
            case "reversal":
                done["error"] = self._reversal_fault(ask)
            case "patch":
                done["error"] = rules.approval(ask.body) or ""
            case _:
                done["error"] = rules.batch(ask.body) or ""
                done["items"] = {} if done["error"] else self._items(ask.body["transactions"])
        return done

    def _items(self, items: Sequence[Any]) -> dict[str, str]:
        found, spent = {}, dict.fromkeys(self.wallets, 0)
        for number, item in enumerate(items):
            ours = self.wallet_of(item.get("debitParty") if isinstance(item, dict) else None)
            found[str(number)] = self._fault(item, spent=spent.get(ours or "", 0))
            if not found[str(number)] and ours:
                spent[ours] += to_minor(item["amount"], item["currency"])
        return found

    def _fault(self, body: Any, *, spent: int) -> str:
        if wrong := rules.transaction(body):
            return wrong
        ours, payee = (self.wallet_of(body[x]) for x in ("debitParty", "creditParty"))
        amount_minor = _minor(body["amount"], body["currency"])
        found = ""
        if ours is None:
            found = "identifierError"
        elif self.wallets[ours] != body["currency"]:
            found = "currencyNotSupported"
        elif ours == payee or body["debitParty"] == body["creditParty"]:
            found = "samePartiesError"
        elif magic := REJECT.search(payee_of(body)):
            found = magic[1] if magic[1] in rules.CATEGORY else "identifierError"
        elif amount_minor is None:
            found = "formatError"
        elif amount_minor == 0:
            found = "lessThanTransactionMinValue"
        elif amount_minor + spent > self.held[ours]:
            found = "insufficientFunds"
        return found

    def _reversal_fault(self, ask: Ask) -> str:
        if wrong := rules.reversal(ask.body):
            return wrong
        original = self.deeds.get(ask.target)
        if original is None:
            return "identifierError"
        undone = any(x.original == ask.target for x in self.deeds.values())
        if undone or original.status != "completed" or self.wallet_of(original.debit) is None:
            return "incorrectState"
        currency = ask.body.get("currency", original.currency)
        amount = ask.body.get("amount")
        whole = amount is None or _minor(amount, original.currency) == original.amount_minor
        return "" if whole and currency == original.currency else "formatError"

    def _apply(self, done: Mapping[str, Any]) -> None:
        ask = self.asks[done["number"] - 1]
        self._pending.remove(ask)
        at = datetime.fromisoformat(done["at"])
        ask.state, ask.error = ("failed", done["error"]) if done["error"] else ("completed", "")
        if ask.error:
            return
        match ask.kind:
            case "transaction":
                ask.made = self._pay(ask.body, name=f"{ask.number}", at=at)
            case "reversal":
                ask.made = self._undo(ask, at=at)
            case "patch":
                ask.made = ask.target
            case _:
                ask.made = f"BID{ask.number}"
                self._pay_all(ask, done["items"], at=at)

    def _pay_all(self, ask: Ask, items: Mapping[str, str], *, at: datetime) -> None:
        for number, item in enumerate(ask.body["transactions"]):
            if code := items[str(number)]:
                ask.rejected[number] = code
            else:
                ask.deeds[number] = self._pay(item, name=f"{ask.number}/{number}", at=at)

    def _pay(self, body: Mapping[str, Any], *, name: str, at: datetime) -> str:
        payee = payee_of(body)
        odd = STATUS.search(payee)
        deed = Deed(
            reference=name_of(f"transaction {name}"),
            type=body["type"],
            amount_minor=to_minor(body["amount"], body["currency"]),
            currency=body["currency"],
            debit=body["debitParty"],
            credit=body["creditParty"],
            at=at,
            status=odd[1] if odd else "completed",
            ours=body.get("requestingOrganisationTransactionReference", ""),
            description=body.get("descriptionText", ""),
        )
        self._book(deed)
        execution = Execution(
            reference=deed.ours, amount_minor=deed.amount_minor, currency=deed.currency,
            executed_at=at,
        )  # fmt: skip
        self.executed.append(execution)
        if magic := RETURN.search(payee):
            self._book(undoing(deed, kept=int(magic[1]), name=f"return {name}", at=at, ours=""))
        return deed.reference

    def _undo(self, ask: Ask, *, at: datetime) -> str:
        original = self.deeds[ask.target]
        ours = ask.body.get("requestingOrganisationTransactionReference", "")
        deed = undoing(original, kept=0, name=f"reversal {ask.number}", at=at, ours=ours)
        deed.type = ask.body["type"]
        self._book(deed)
        return deed.reference

    def _book(self, deed: Deed) -> None:
        self.deeds[deed.reference] = deed
        out, back = self.wallet_of(deed.debit), self.wallet_of(deed.credit)
        if out is not None:
            self.held[out] -= deed.amount_minor
        if back is not None:
            self.held[back] += deed.amount_minor

    def wallet_of(self, told: object) -> str | None:
        """Our wallet that a party is; None where it is somebody else's."""
        if not isinstance(told, list):
            return None
        named = {str(x.get("key")): str(x.get("value")) for x in told if isinstance(x, dict)}
        for wallet in self.wallets:
            ours = dict(part.split("@", 1) for part in wallet.split("$"))
            common = ours.keys() & named.keys()
            if common and all(ours[kind] == named[kind] for kind in common):
                return wallet
        return None

    def _come_in(self, line: OutsideLine) -> None:
        if line.currency not in self._of_currency:
            return  # another rail's line
        self._arrived += 1
        parts = [x.partition("@") for x in self._of_currency[line.currency].split("$")]
        wallet = [{"key": kind, "value": value} for kind, _, value in parts]
        other = [{"key": "identityalias", "value": line.counterparty or "unknown"}]
        incoming = line.amount_minor > 0
        deed = Deed(
            reference=name_of(f"outside {self._arrived}"),
            type="deposit" if incoming else "withdrawal",
            amount_minor=abs(line.amount_minor),
            currency=line.currency,
            debit=other if incoming else wallet,
            credit=wallet if incoming else other,
            at=datetime.combine(line.day, time(0, 0, 1), UTC)
            + timedelta(milliseconds=self._arrived),
            ours="" if incoming else line.reference,
            description=line.reference,
        )
        self._book(deed)


def _minor(amount: str, currency: str) -> int | None:
    try:
        return to_minor(amount, currency)
    except BadInput:
        return None
