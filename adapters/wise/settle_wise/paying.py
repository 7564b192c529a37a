"""Paying: quote, recipient, transfer, and the one request that moves money, its funding.

What comes before the funding leaves things behind and moves nothing. It is done anew after any
crash: `customerTransactionId` leads back to the transfer that is there already, if one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from settle.adapters import (
    Accepted,
    Conversation,
    Outcome,
    Payment,
    Rejected,
    Request,
    Response,
    Unknown,
    commits,
    prepares,
    reads,
)
from settle.errors import DocumentError, RailDown
from settle.money import plain
from settle_wise import lists, payee, statuses
from settle_wise.requirements import Refused, answered, chosen, nested, refreshes
from settle_wise.wire import (
    Form,
    Quote,
    Recipient,
    Refusal,
    Transfer,
    canonical,
    listed,
    minor,
    read,
)

QUOTE_REFUSED, TRANSFER_REFUSED = "quote_refused", "transfer_refused"
RECIPIENT_REFUSED = "recipient_refused"
REFERENCE_MAX = 35
MERGE = lists.JSON | {"content-type": "application/merge-patch+json"}
FORMS = lists.SENT | {"accept-minor-version": "1"}  # with the name among the fields


@dataclass(frozen=True, slots=True)
class Paying:
    """One payment on its way through the rail. `answers`: what else a transfer may be asked."""

    payment: Payment
    profile: int
    answers: Mapping[str, str]

    def conversation(self) -> Conversation[Outcome]:
        """The whole way. At most one `commits`, and it is the last request."""
        try:
            transfer = yield from self._created()
        except Refused as refused:
            return (yield from self._unless_there(refused.rejected))
        if isinstance(transfer, Unknown):
            return transfer
        if transfer.status in statuses.MOVING:
            return Accepted(rail_reference=str(transfer.id), status=transfer.status)
        if transfer.status != statuses.WAITING:
            return Unknown(reason=f"the transfer is {transfer.status[:40]}")
        response = yield commits(_funding(self.profile, transfer.id))
        return statuses.outcome(response, transfer=transfer)

    def _created(self) -> Conversation[Transfer | Unknown]:
        quote = yield from self._quoted()
        account = yield from self._account(quote)
        recipient = yield from self._recipient(account)
        change = canonical({"targetAccount": recipient})
        path = f"{_quotes(self.profile)}/{quote.id}"
        response = yield prepares(_request("PATCH", path, change, headers=MERGE))
        self._judged(_made(response, code=QUOTE_REFUSED))
        order: dict[str, Any] = {"quoteUuid": quote.id, "targetAccount": recipient}
        order["details"] = yield from self._details(order)
        order["customerTransactionId"] = lists.reference(self.payment)
        response = yield prepares(_request("POST", lists.TRANSFERS, canonical(order)))
        if _is_about_our_reference(response):
            return Unknown(reason=f"our reference was answered with {response.status}")
        raw = _made(response, code=TRANSFER_REFUSED)
        transfer = self._ours(read(Transfer, raw, what="POST /v1/transfers"))
        if transfer.target_account != recipient:
            yield from self._same_payee(transfer, account)
        return transfer

    def _quoted(self) -> Conversation[Quote]:
        amount = plain(self.payment.amount_minor, self.payment.currency)
        asked = {
            "preferredPayIn": "BALANCE",
            "sourceCurrency": self.payment.currency,
            "targetAmount": None,
            "targetCurrency": self.payment.currency,
        }
        # An exact number, which no encoder of floats has touched.
        body = canonical(asked).replace(b":null", f":{amount}".encode())
        response = yield prepares(_request("POST", _quotes(self.profile), body))
        return self._judged(_made(response, code=QUOTE_REFUSED))

    def _judged(self, raw: object) -> Quote:
        quote, payment = read(Quote, raw, what="quote"), self.payment
        options = [x for x in quote.payment_options if x.pay_in == "BALANCE"]
        amounts = [quote.target_amount, *(x.target_amount for x in options)]
        told = {minor(x, payment.currency) for x in amounts if x is not None}
        if {quote.source_currency, quote.target_currency} != {payment.currency}:
            raise DocumentError("the quote is in another currency than was asked")
        if told - {payment.amount_minor}:
            raise DocumentError("the quote is of another amount than was asked")
        if any(x.type == "BLOCKED" for x in quote.notices):
            raise Refused(Rejected(code=QUOTE_REFUSED, reason="the quote is blocked"))
        if options and all(x.disabled for x in options):
            why = options[0].disabled_reason
            code = (why.code if why else None) or "not said why"
            raise Refused(Rejected(code=QUOTE_REFUSED, reason=f"not from the balance: {code}"))
        return quote

    def _account(self, quote: Quote) -> Conversation[dict[str, Any]]:
        payment = self.payment
        path = f"/v1/quotes/{quote.id}/account-requirements"
        response = yield reads(_request("GET", path, headers=FORMS))
        fitting = payee.candidates(payment.beneficiary, currency=payment.currency)
        form, account = chosen(_forms(response), fitting)
        known = payee.known(payment.beneficiary, kind=payment.kind, account=account)
        if refreshes(form, known):
            draft = canonical({"details": _details_of(known), "type": form.type})
            response = yield reads(_request("POST", path, draft, headers=FORMS))
            form, _ = chosen(_forms(response), {form.type.lower(): account})
        answers = answered(form, known)
        return {
            "accountHolderName": known["accountHolderName"],
            "currency": payment.currency,
            "details": _details_of({**answers, "legalType": known["legalType"], **account}),
            "profile": self.profile,
            "type": form.type,
        }

    def _recipient(self, account: Mapping[str, Any]) -> Conversation[int]:
        response = yield prepares(_request("POST", "/v1/accounts", canonical(account)))
        raw = _made(response, code=RECIPIENT_REFUSED)
        return read(Recipient, raw, what="POST /v1/accounts").id

    def _details(self, order: Mapping[str, Any]) -> Conversation[dict[str, Any]]:
        text = self.payment.remittance_information
        details: dict[str, str] = {}
        for _ in range(3):  # what is answered may make the rail ask for more
            draft = canonical({**order, "details": details})
            response = yield reads(_request("POST", "/v1/transfer-requirements", draft))
            forms = _forms(response)
            if not forms:
                return {}
            known = dict(self.answers)
            for asked in forms[0].asked:
                if asked.key == "reference":
                    length = min(asked.max_length or REFERENCE_MAX, REFERENCE_MAX)
                    known["reference"] = payee.reference(text, length_max=length)
            answers = answered(forms[0], {key: value for key, value in known.items() if value})
            if answers == details or not refreshes(forms[0], answers):
                return nested(answers)
            details = answers
        raise DocumentError("the rail does not cease to ask about the transfer")

    def _ours(self, transfer: Transfer) -> Transfer:
        payment = self.payment
        if transfer.reference != lists.reference(payment):
            raise DocumentError("the transfer has another reference than was asked")
        if {transfer.source_currency, transfer.target_currency} != {payment.currency}:
            raise DocumentError("the transfer is in another currency than was asked")
        if transfer.target_minor != payment.amount_minor:
            raise DocumentError("the transfer is of another amount than was asked")
        return transfer

    def _same_payee(self, transfer: Transfer, account: Mapping[str, Any]) -> Conversation[None]:
        """An earlier try made this transfer, to a recipient of its own. It must be the same."""
        if transfer.target_account is None:
            raise DocumentError("the transfer does not say whom it pays")
        response = yield reads(lists.get(f"/v1/accounts/{transfer.target_account}"))
        there = read(Recipient, lists.answered(response), what="GET /v1/accounts/{id}")
        told = {"name": there.account_holder_name, "currency": there.currency}
        asked = {"name": account["accountHolderName"], "currency": account["currency"]}
        if not _says({**told, **(there.details or {})}, {**asked, **account["details"]}):
            raise DocumentError("the transfer that is there pays somebody else")

    def _unless_there(self, rejected: Rejected) -> Conversation[Outcome]:
        """A refusal stands only where the rail lists no transfer of an earlier try."""
        there = yield from lists.transfer_of(self.payment, profile=self.profile)
        if there is None:
            return rejected
        return Unknown(reason=f"refused ({rejected.code}), and transfer {there.id} is there")


def _says(there: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether everything we asked for stands there, whatever blanks and case the rail keeps."""
    stands = {key.lower(): value for key, value in there.items()}
    for key, value in asked.items():
        other = stands.get(key.lower())
        if isinstance(value, Mapping):
            if not _says(other if isinstance(other, Mapping) else {}, value):
                return False
        elif payee.compact(str(value)).lower() != payee.compact(str(other)).lower():
            return False
    return True


def _details_of(answers: Mapping[str, str]) -> dict[str, Any]:
    return nested({key: value for key, value in answers.items() if key != "accountHolderName"})


def _is_about_our_reference(response: Response) -> bool:
    """A conflict, or a refusal that names our reference: the transfer may be there."""
    if response.status == 409:
        return True
    refusal = _refusal(response)
    return refusal is not None and any(
        "customertransactionid" in (x.path or "").lower() for x in refusal.errors
    )


def _made(response: Response, *, code: str) -> Any:
    """What was made. A documented refusal (400 and 422 with errors) ends the way.

    Raises:
        Refused: the rail validated the request and made nothing.
        RailDown: anything else.
    """
    if response.status in (200, 201):
        return response.json()
    if (refusal := _refusal(response)) is not None:
        raise Refused(Rejected(code=code, reason=refusal.reason))
    raise RailDown(f"the rail answered with {response.status}", status=response.status)


def _refusal(response: Response) -> Refusal | None:
    if response.status not in (400, 422):
        return None
    try:
        return read(Refusal, response.json(), what="refusal")
    except DocumentError:
        return None


def _forms(response: Response) -> list[Form]:
    return listed(Form, lists.answered(response), what="requirements")


def _quotes(profile: int) -> str:
    return f"/v3/profiles/{profile}/quotes"


def _funding(profile: int, transfer_id: int) -> Request:
    path = f"/v3/profiles/{profile}/transfers/{transfer_id}/payments"
    return _request("POST", path, canonical({"type": "BALANCE"}))


def _request(
    method: str, path: str, content: bytes = b"", *, headers: Mapping[str, str] = lists.SENT
) -> Request:
    return Request(method=method, path=path, headers=headers, content=content)
