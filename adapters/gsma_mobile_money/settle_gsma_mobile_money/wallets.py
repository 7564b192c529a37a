"""Our own wallets at the rail, read: what they hold, and a day of one as a statement."""

from __future__ import annotations

from datetime import date

from settle.adapters import AccountRef, Conversation, StatementDocument, reads
from settle.errors import DocumentError, RailDown
from settle_gsma_mobile_money import parties, report
from settle_gsma_mobile_money.reading import Place, Reader, Torn, answered
from settle_gsma_mobile_money.statuses import Statuses
from settle_gsma_mobile_money.wire import AccountBalance, minor, read

TRIES = 3


def held(account: AccountRef, *, reader: Reader) -> Conversation[int]:
    """What a wallet holds now, in minor units of its currency.

    Raises:
        RailDown: the rail refused.
        DocumentError: it holds another currency, or its balance cannot be read.
    """
    response = yield reads(reader.get(f"{parties.path(account.account)}/balance"))
    told = read(AccountBalance, answered(response), what="GET balance")
    if told.currency not in (None, account.currency):
        raise DocumentError(f"{account.account} does not hold {account.currency}")
    return minor(told.current_balance, account.currency, what="GET balance")


def stated(
    account: AccountRef, day: date, *, reader: Reader, statuses: Statuses
) -> Conversation[StatementDocument]:
    """A UTC day of one wallet. The balance is read before and after the list of transactions.

    Raises:
        RailDown: the rail refused, or the wallet moved at every try.
    """
    path = f"{parties.path(account.account)}/transactions"
    for _ in range(TRIES):
        before = yield from held(account, reader=reader)
        try:
            raw = yield from reader.listed(path, report.bounds(day))
        except Torn:
            continue
        after = yield from held(account, reader=reader)
        if before == after:
            break
    else:
        raise RailDown(f"{account.account} moved while its statement of {day} was read")
    lines = report.booked(raw, currency=account.currency, statuses=statuses)
    originals = []
    for reference in report.undone(lines, day=day):
        place = Place(kind="transactions", reference=reference)
        response = yield reads(reader.get(place.path))
        originals.append(answered(response))
    return report.document(account, day=day, lines=lines, held_minor=after, originals=originals)
