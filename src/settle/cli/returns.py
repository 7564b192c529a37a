"""`settle payments cancel | recall | repay | let-go | notifications`: taking payments back."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

import click

from settle.cli import options
from settle.cli.opening import opened
from settle.errors import BadInput

_CANCEL = """Cancel a payment that has not left.

Say what becomes of its obligation: with --free the next night plans another payment for it; with
--for-good it gets none, until this is run once more with --free. What left, or may have, is
refused: ask for it back with `settle payments recall`.

Exit code 0; 11 if it is refused.

Examples:

\b
  settle payments cancel ID --for-good --actor ada --reason "not owed"
  settle payments cancel ID --free --actor ada --reason "wrong day" --json
"""

_RECALL = """Ask the rail for a payment back that has left, or may have.

The wish is kept before anything is sent, and from then on the payment is never sent again. The
rail may accept, reject or ponder it; run it again to ask how it stands, as every night does.
Whatever the answer, the money is back only when a statement shows it.

Exit code 0 if the rail answered, whatever it said; 11 if it is refused here, 12 if the rail did
not answer or takes no recalls; 10 if the store is a backup that was put back.

Examples:

\b
  settle payments recall ID --actor ada --reason "sent twice" --code DUPL
  settle payments recall ID --actor ada --reason fraud --code FRAD --json
"""

_REPAY = """Pay again what came back, by a linked payment with keys of its own.

Give a corrected beneficiary as a JSON file, or --as-is to pay the same account on your word. What
failed after the rail accepted it is paid again only after `settle payments let-go`. The new
payment is approved, funded and sent as any other.

The file holds name, country, town, account and, where it has them, bic and bank_code.

Exit code 0; 11 if it is refused; 10 if the store is a backup that was put back.

Examples:

\b
  settle payments repay ID --beneficiary to.json --actor ada --reason moved
  settle payments repay ID --as-is --actor ada --reason "their bank erred"
"""

_LET_GO = """Free the obligation of a failed payment that was never debited.

It takes gap-free statements from its release past the rail's horizon that show nothing; unless
the rail rules out that it executes late, a second person, too.

Exit code 0; 11 if any of this is missing, named; 10 if the store is a backup that was put back.

Examples:

\b
  settle payments let-go ID --actor ada --second bob --reason "it failed"
"""

_NOTIFICATIONS = """What rails told us unasked, and what was refused because it was forged.

Examples:

\b
  settle payments notifications --json
"""

_payment = click.argument("payment_id")


@click.command("cancel", help=_CANCEL)
@_payment
@click.option("--free", is_flag=True, help="The obligation gets another payment.")
@click.option("--for-good", is_flag=True, help="It gets none until it is freed.")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def cancel(
    payment_id: str, *, free: bool, for_good: bool, actor: str, reason: str, config: Path,
    store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Cancel a payment."""
    if free is for_good:
        raise click.UsageError("say what becomes of the obligation: --free or --for-good")
    with opened(config, store=store) as hub:
        done = hub.cancel(payment_id, actor=actor, reason=reason, frees=free)
    words = "its obligation is free" if free else "its obligation gets no other payment"
    was = " before" if done.already else ""
    _tell(asdict(done), f"{payment_id} was cancelled{was} by {actor}; {words}", as_json=as_json)


@click.command("recall", help=_RECALL)
@_payment
@click.option("--code", default="CUST", help="Why, by ISO 20022: DUPL, TECH, FRAD, CUST …")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def recall(
    payment_id: str, *, code: str, actor: str, reason: str, config: Path, store: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Ask for a payment back."""
    with opened(config, store=store) as hub:
        done = hub.recall(payment_id, actor=actor, reason=reason, code=code)
    stands = next(iter(done.standing), "asked")
    why = "".join(f": {rail} did not answer, {what}" for rail, what in done.silent.items())
    told = {"payment_id": payment_id, "recall": stands, "silent": dict(done.silent)}
    line = f"the recall of {payment_id} is {stands}{why}; money is back once a statement shows it"
    _tell(told, line, as_json=as_json)
    if stands not in {"accepted", "rejected", "pending"}:
        sys.exit(12)


@click.command("repay", help=_REPAY)
@_payment
@click.option("--beneficiary", type=options.FILE, help="The corrected one, as JSON.")
@click.option("--as-is", is_flag=True, help="The same account, on your word.")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def repay(
    payment_id: str, *, beneficiary: Path | None, as_is: bool, actor: str, reason: str,
    config: Path, store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Pay again."""
    from settle.money import plain

    if (beneficiary is None) is not as_is:
        raise BadInput("give either --beneficiary FILE or --as-is", field="beneficiary")
    payee = None if beneficiary is None else _payee(beneficiary)
    with opened(config, store=store) as hub:
        done = hub.repay(payment_id, beneficiary=payee, actor=actor, reason=reason)
    amount = f"{plain(done.amount_minor, done.currency)} {done.currency}"
    held = f"; held, {done.hold_reason}" if done.hold_reason else ""
    was = "stood before" if done.already else f"was made by {actor}"
    line = f"{done.payment_id} of {amount} pays {payment_id} again, and {was}{held}"
    _tell(asdict(done), line, as_json=as_json)


def _payee(path: Path) -> Any:
    from settle.adapters import Beneficiary

    try:
        given = _texts(path.read_text("utf-8"))
        _refuse_other(given, {each.name: each.default is MISSING for each in fields(Beneficiary)})
        return Beneficiary(**given)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field="beneficiary") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: {str(error)[:200]}", field="beneficiary") from None


def _refuse_other(given: Mapping[str, Any], is_due: Mapping[str, bool]) -> None:
    for name in given:
        if name not in is_due:
            raise TypeError(f"a beneficiary has no {name!r}; it has {', '.join(is_due)}")
    if missing := [name for name, due in is_due.items() if due and not given.get(name)]:
        raise TypeError(f"a beneficiary has to have {', '.join(missing)}")


def _texts(content: str) -> dict[str, Any]:
    given = json.loads(content)
    if not isinstance(given, dict):
        raise TypeError("one JSON object is due")
    for name, value in given.items():
        if not isinstance(value, str | None):
            raise TypeError(f"{name} has to be text")
    return given


@click.command("let-go", help=_LET_GO)
@_payment
@click.option("--second", help="Who agrees, where the rail may execute late.")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def let_go(
    payment_id: str, *, second: str | None, actor: str, reason: str, config: Path,
    store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Let a payment go."""
    with opened(config, store=store) as hub:
        new = hub.let_go(payment_id, actor=actor, second=second, reason=reason)
    told = {"payment_id": payment_id, "is_new": new}
    line = f"{payment_id} was never debited, as its statements prove; it may be paid again"
    _tell(told, line, as_json=as_json)


@click.command("notifications", help=_NOTIFICATIONS)
@options.config
@options.store
@options.as_json
def notifications(*, config: Path, store: str | None, as_json: bool) -> None:
    """Show deliveries."""
    with opened(config, store=store) as hub:
        taken, refused = hub.deliveries()
    if as_json:
        bad = [{**asdict(x), "day": str(x.day), "last_at": x.last_at.isoformat()} for x in refused]
        click.echo(json.dumps({"taken": [asdict(x) for x in taken], "refused": bad}, indent=2))
        return
    for x in taken:
        copies = f"{x.copies:,} copies, {x.others:,} of them with another content"
        click.echo(f"{x.rail}: {x.deliveries:,} notifications, {copies}, {x.open:,} not placed")
    for bad_one in refused:
        click.echo(f"{bad_one.rail} {bad_one.day}: {bad_one.times:,} refused, {bad_one.reason}")
    if not taken and not refused:
        click.echo("no notification has come")


def _tell(told: Mapping[str, Any], line: str, *, as_json: bool) -> None:
    click.echo(json.dumps(told, indent=2) if as_json else line)


RETURNS = (cancel, recall, repay, let_go, notifications)
"""The commands, in the order of the help."""
