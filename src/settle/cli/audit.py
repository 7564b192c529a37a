"""`settle audit`: seal what was written, find what was touched, prove a merchant's lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened
from settle.errors import BadInput

if TYPE_CHECKING:
    from settle.ledger import Audit, Head

FLAWS_SHOWN_MAX = 25
"""How many flaws are printed; `--json` has all of them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SEAL = """Seal the journal, payment events and exchanges that no block has yet.

A night does it as its last step. Blocks are chained, and signed where [audit] of the settings
names a key. The head that it prints belongs elsewhere: without it, nobody can tell later that
the newest blocks were cut off.

Examples:

\b
  settle audit seal
  settle audit seal --head head.json
"""

_VERIFY = """Find any sealed entry that was edited, deleted, moved, inserted or cut off.

Walks the whole chain, looks at every sealed row again and rebuilds every balance from the
journal alone. Says what no block has yet, by count and age. Each payment that stands for its
obligation is held against its approval. Blocks that were cut off at the end are found by the
head that sealing keeps beside the lake; whoever can touch that, too, is found with --head: give
the file of settle audit seal --head, or what a night printed, BLOCK:HEAD, whole.

Exit codes: 0 sound, 10 not sound, 11 bad input.

Examples:

\b
  settle audit verify
  settle audit verify --head head.json --json
"""

_PROVE = """Prove to a merchant that its lines stand in the sealed chain.

MERCHANT is a participant, with all of its agreements, or one agreement. The proof is checked
without us by docs/reference/check_proof.py, 30 lines that need Python and nothing else.

Examples:

\b
  settle audit prove M1 --out proof.json
"""


@click.group(cls=Commands)
def audit() -> None:
    """Seal what was written, find what was touched, prove a merchant's lines."""


@audit.command(help=_SEAL)
@click.option("--head", "file", type=options.FILE, help="Where to write the newest head.")
@options.config
@options.store
@options.as_json
def seal(*, file: Path | None, config: Path, store: str | None, as_json: bool) -> None:
    """Seal what no block has."""
    from settle.report.figures import plural

    with opened(config, store=store) as hub:
        done = hub.seal()
    head = done.head.as_json() if done.head else None
    if file is not None and head is not None:
        file.write_text(json.dumps(head, indent=2) + "\n", "utf-8")
    if as_json:
        told = {"blocks": done.blocks, "entries": done.entries, "head": head}
        click.echo(json.dumps(told, indent=2))
    else:
        entries = plural(done.entries, "entry", "entries")
        click.echo(f"{entries} sealed in {plural(done.blocks, 'block')}")
        click.echo(f"head {done.head}" if done.head else "there is nothing to seal")


@audit.command(help=_VERIFY)
@click.option("--head", "heads", multiple=True, help="A head that was exported; repeatable.")
@options.config
@options.store
@options.as_json
def verify(*, heads: Sequence[str], config: Path, store: str | None, as_json: bool) -> None:
    """Look at all that was sealed."""
    known = [_head(each) for each in heads]
    with opened(config, store=store) as hub:
        found, now = hub.audit(heads=known), hub.now()
        kept = hub.heads.newest()
    if as_json:
        click.echo(json.dumps(_told(found, now=now), indent=2))
    else:
        _print(found, now=now, is_compared=bool(known or kept))
    raise click.exceptions.Exit(0 if found.is_sound else 10)


@audit.command(help=_PROVE)
@click.argument("merchant")
@click.option("--out", type=options.FILE, help="Where to write the proof; else it is printed.")
@options.config
@options.store
def prove(*, merchant: str, out: Path | None, config: Path, store: str | None) -> None:
    """Prove a merchant's lines."""
    with opened(config, store=store) as hub:
        proof = hub.prove(merchant)
    text = json.dumps(proof.as_json(), indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, "utf-8")
    click.echo(f"{out}: {proof.lines:,} lines of {merchant}, {proof.unsealed:,} not sealed yet")


def _head(given: str) -> Head:
    from settle.ledger import Head

    path = Path(given)
    try:
        text = path.read_text("utf-8") if path.is_file() else given
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{given}: cannot be read", file=given) from None
    return Head.read(text, file=given)


def _told(found: Audit, *, now: datetime) -> dict[str, Any]:
    tail = {name: {"count": x.count, "oldest": _moment(x.oldest)} for name, x in found.tail.items()}
    return {
        "sound": found.is_sound, "blocks": found.blocks, "entries": found.entries,
        "signed": found.signed, "signatures_checked": found.checked, "erased": found.erased,
        "unread": found.unread,
        "balances": found.accounts, "head": str(found.head) if found.head else None,
        "unsealed": {"count": found.unsealed, "age_s": _age_s(found, now=now), "of": tail},
        "flaws": [flaw.as_json() for flaw in found.flaws],
    }  # fmt: skip


def _print(found: Audit, *, now: datetime, is_compared: bool) -> None:
    for flaw in found.flaws[:FLAWS_SHOWN_MAX]:
        click.echo(str(flaw))
    if (more := len(found.flaws) - FLAWS_SHOWN_MAX) > 0:
        click.echo(f"and {more:,} more, with --json")
    signed = f"{found.signed:,} signed" + ("" if found.checked else ", no key to check them by")
    click.echo(f"{found.blocks:,} blocks of {found.entries:,} entries, {signed}")
    click.echo(f"{found.accounts:,} balances rebuilt from the journal")
    if found.erased:
        click.echo(f"{found.erased:,} entries were erased: their digests are as they were sealed")
    if found.unread:
        click.echo(f"{found.unread:,} entries are under keys that [exchanges] does not name")
    age = timedelta(seconds=_age_s(found, now=now))
    click.echo(f"{found.unsealed:,} entries not sealed yet" + (f", since {age}" if age else ""))
    if not is_compared:
        click.echo("no head was kept or given: blocks cut off at the end cannot be told (--head)")
    click.echo(f"{'sound' if found.is_sound else 'NOT SOUND'}, head {found.head or 'none'}")


def _age_s(found: Audit, *, now: datetime) -> int:
    since = found.unsealed_since
    return 0 if since is None else max(0, int((now - _EPOCH).total_seconds()) - since // 1_000_000)


def _moment(micros: int | None) -> str | None:
    if micros is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{micros} microseconds since 1970"
