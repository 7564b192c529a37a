"""The bank's own books: what was uploaded, what was executed, what moved on which day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from settle.adapters.simulator import Execution, Memory, OutsideLine
from settle.errors import ConfigError
from settle_iso20022_bank.simulator.recall import Request
from settle_iso20022_bank.simulator.upload import Transfer, Upload


class Taken(StrEnum):
    """What became of an upload. A message id is executed once, whatever is sent again."""

    NEW = "new"
    REPEATED = "repeated"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One entry on an account, signed. `batch` is set where it stands for a whole upload."""

    servicer_reference: str
    amount_minor: int
    counterparty: str = ""
    remittance: str = ""
    transfer: Transfer | None = None
    batch: Upload | None = None
    is_return: bool = False
    return_code: str = ""
    kept: tuple[tuple[str, int], ...] = ()  # by bank, in minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """One account's day as the bank has it now."""

    account: str
    currency: str
    day: date
    opening_minor: int
    movements: Sequence[Movement]

    @property
    def closing_minor(self) -> int:
        """Opening and all movements."""
        return self.opening_minor + sum(m.amount_minor for m in self.movements)


class BankLedger:
    """Everything the bank knows. What it takes in is in its memory before it is answered."""

    def __init__(
        self, *, memory: Memory, accounts: Mapping[str, str], outside: Sequence[OutsideLine]
    ) -> None:
        if len(set(accounts.values())) != len(accounts):
            raise ConfigError("accounts: the bank holds one currency on each account")
        self.accounts = dict(accounts)
        self._memory = memory
        self._uploads: dict[str, Upload] = {}
        self._sent_back: set[str] = set()
        self._booked: defaultdict[tuple[str, date], list[Movement]] = defaultdict(list)
        self._outside(outside)
        self._requests: dict[str, Request] = {}
        for entry in memory.entries():
            if "recall" in entry:
                self._recall(Request.from_entry(entry))
            else:
                self._book(Upload.from_entry(entry))

    def take(self, upload: Upload) -> Taken:
        """Take an upload in, once. This writes it to memory before anything else."""
        known = self._uploads.get(upload.message_id)
        if known is not None:
            return Taken.REPEATED if known.digest == upload.digest else Taken.CONFLICT
        self._memory.append(upload.entry())
        self._book(upload)
        return Taken.NEW

    def find(self, message_id: str) -> Upload | None:
        """The upload with this id."""
        return self._uploads.get(message_id)

    def recall(self, request: Request) -> Taken:
        """Take a request for a payment back in, once."""
        known = self._requests.get(request.recall_id)
        if known is not None:
            return Taken.REPEATED if known.digest == request.digest else Taken.CONFLICT
        self._memory.append(request.entry())
        self._recall(request)
        return Taken.NEW

    def recalled(self, recall_id: str) -> tuple[Request, Transfer | None] | None:
        """A request with the transfer it is about, where the bank executed one."""
        request = self._requests.get(recall_id)
        return None if request is None else (request, self._wanted(request)[1])

    def _wanted(self, request: Request) -> tuple[Upload | None, Transfer | None]:
        upload = self._uploads.get(request.message_id)
        found = () if upload is None else upload.executed
        named = (t for t in found if t.end_to_end_id == request.end_to_end_id)
        return upload, next(named, None)

    def _recall(self, request: Request) -> None:
        self._requests[request.recall_id] = request
        upload, transfer = self._wanted(request)
        if upload is None or transfer is None or transfer.recall_answer != "ACCR":
            return
        if transfer.return_code or transfer.end_to_end_id in self._sent_back:
            return
        self._sent_back.add(transfer.end_to_end_id)
        on = max(upload.execute_on, request.received_at.date())
        self._booked[upload.currency, on].append(
            Movement(
                servicer_reference=f"C{request.recall_id[:20]}",
                amount_minor=transfer.amount_minor - transfer.recall_charges_minor,
                counterparty=transfer.name,
                remittance=transfer.remittance,
                transfer=transfer,
                is_return=True,
                return_code="FOCR",
                kept=(("", transfer.recall_charges_minor),),
            )
        )

    def executions(self) -> Sequence[Execution]:
        """The ground truth: a transfer counts from the moment the bank took it in."""
        return [
            Execution(
                reference=transfer.end_to_end_id,
                amount_minor=transfer.amount_minor,
                currency=upload.currency,
                executed_at=upload.received_at,
            )
            for upload in self._uploads.values()
            for transfer in upload.executed
        ]

    def account_day(self, account: str, day: date) -> AccountDay | None:
        """One account's day: None for an account the bank does not know."""
        for currency, known in self.accounts.items():
            if known == account:
                earlier = (
                    sum(m.amount_minor for m in movements)
                    for (code, booked), movements in self._booked.items()
                    if code == currency and booked < day
                )
                return AccountDay(
                    account=account,
                    currency=currency,
                    day=day,
                    opening_minor=sum(earlier),
                    movements=tuple(self._booked.get((currency, day), ())),
                )
        return None

    def _outside(self, outside: Sequence[OutsideLine]) -> None:
        numbers: Counter[tuple[str, date]] = Counter()
        for line in outside:
            if line.currency not in self.accounts:
                raise ConfigError(f"outside lines: the bank holds no {line.currency} account")
            place = (line.currency, line.day)
            numbers[place] += 1
            self._booked[place].append(
                Movement(
                    servicer_reference=f"X{line.currency}{line.day:%Y%m%d}{numbers[place]:06d}",
                    amount_minor=line.amount_minor,
                    counterparty=line.counterparty,
                    remittance=line.reference,
                )
            )

    def _book(self, upload: Upload) -> None:
        self._uploads[upload.message_id] = upload
        number = len(self._uploads)
        debits = _one_debit if upload.batch_booking else _single_debits
        on = max(upload.execute_on, upload.received_at.date())  # no day is booked after its end
        booked = self._booked[upload.currency, on]
        booked.extend(debits(upload, number))
        booked.extend(_returns(upload, number))


def _one_debit(upload: Upload, number: int) -> Iterator[Movement]:
    if upload.executed:
        yield Movement(
            servicer_reference=f"B{number:08d}",
            amount_minor=-sum(t.amount_minor for t in upload.executed),
            batch=upload,
        )


def _single_debits(upload: Upload, number: int) -> Iterator[Movement]:
    for index, transfer in enumerate(upload.executed, start=1):
        yield Movement(
            servicer_reference=f"P{number:08d}-{index:06d}",
            amount_minor=-transfer.amount_minor,
            counterparty=transfer.name,
            remittance=transfer.remittance,
            transfer=transfer,
        )


def _returns(upload: Upload, number: int) -> Iterator[Movement]:
    for index, transfer in enumerate(upload.executed, start=1):
        if transfer.return_code:
            yield Movement(
                servicer_reference=f"R{number:08d}-{index:06d}",
                amount_minor=transfer.amount_minor - transfer.return_charges_minor,
                counterparty=transfer.name,
                remittance=transfer.remittance,
                transfer=transfer,
                is_return=True,
                return_code=transfer.return_code,
                kept=transfer.return_hops,
            )
