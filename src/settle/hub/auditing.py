"""The seal of a hub: what is sealed in all rooms, by which key, and whose lines are whose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

from sqlalchemy.engine import Connection

from settle import ledger, payments, reconciliation
from settle.adapters import Secret
from settle.errors import BadInput
from settle.hub.config import Config
from settle.hub.heads import Heads
from settle.hub.opened import Opened
from settle.ledger import accounts

SOURCES = (ledger.JOURNAL, *payments.SEALED, *reconciliation.SEALED)
"""All that is sealed. A room that keeps something append-only joins here."""


def signer_of(config: Config) -> ledger.Signer | None:
    """Who signs by a configuration; none without a key.

    Raises:
        ConfigError: the key cannot be read, or is too short.
    """
    given = config.settings.audit.key
    return None if given is None else ledger.HmacSigner(Secret(given).reveal().encode())


def _unapproved(connection: Connection) -> Iterator[ledger.Flaw]:
    for each in payments.unapproved(connection):
        entry = f"payments {each.payment_id}"
        yield ledger.Flaw(entry=entry, wrong=ledger.Wrong.NOT_APPROVED, why=each.why)


class Audited(Opened):
    """An opened configuration whose ledger is sealed. This is the part of a hub for auditors."""

    def seal(self, day: date | None = None) -> ledger.Sealed:
        """Chain all that is written and that no block has yet. This queues no worker.

        The newest head is kept beside the lake, unless the one that is there is not in the chain
        any more: then it stays, for the audit to tell.

        Raises:
            Busy: another process seals this store.
            ConfigError: the key of `[audit]` cannot be read, is too short, or is not set where the
                newest block is signed.
        """
        done = ledger.seal(self.store, SOURCES, now=self.now(day), signer=self.signer)
        if done.head is not None and self._goes_on():
            self.heads.keep(done.head)
        return done

    def audit(self, *, heads: Sequence[ledger.Head] = ()) -> ledger.Audit:
        """Whether all that was sealed is as it was, and what no block has yet.

        A payment that stands for its obligation and is not what its approval signed is a flaw,
        too: its row is not sealed, for it changes; its approval is.

        `heads`: exported ones, beside the one that is kept beside the lake; without any, blocks
        cut off at the end cannot be told.

        Raises:
            ConfigError: the key of `[audit]` cannot be read, or is too short.
        """
        with self.store.reading() as connection:
            kept = self.heads.newest()
            known = dict.fromkeys([*heads, *([] if kept is None else [kept])])
            found = ledger.audit(connection, SOURCES, signer=self.signer, heads=list(known))
            return replace(found, flaws=[*found.flaws, *_unapproved(connection)])

    def prove(self, name: str) -> ledger.Inclusion:
        """The proof that the lines of a participant, or of one agreement, stand in the chain.

        Raises:
            BadInput: none does, or their block is not as it was sealed.
        """
        with self.store.reading() as connection:
            return ledger.prove(connection, self._accounts_of(name), of=name)

    @property
    def heads(self) -> Heads:
        """The newest sealed head, beside the lake."""
        return Heads(self.lake, self.epoch.store_id)

    def forget_heads(self) -> None:
        """Keep the newest head that the chain has: a person let a store that was put back go on."""
        with self.store.reading() as connection:
            head = ledger.newest_head(connection)
        if head is not None:
            self.heads.keep(head)

    def _goes_on(self) -> bool:
        """Whether the chain still has the head beside the lake; one that is no head is left."""
        try:
            known = self.heads.newest()
        except BadInput:
            return False
        with self.store.reading() as connection:
            return known is None or ledger.has_head(connection, known)

    @contextmanager
    def night(self, day: date, *, failed: Collection[str] = ()) -> Iterator[bool]:
        """As `Opened.night`; the key is looked at before anything is stored, too."""
        _ = self.signer
        with super().night(day, failed=failed) as may_act:
            yield may_act

    @property
    def signer(self) -> ledger.Signer | None:
        """Who signs the heads of blocks here; none without a key.

        Raises:
            ConfigError: the key cannot be read, or is too short.
        """
        return signer_of(self.config)

    def _accounts_of(self, name: str) -> Sequence[str]:
        mine = self.agreements.of_participant(name)
        if mine:
            of_each = (accounts.of_agreement(agreement) for agreement in mine)
            return [accounts.deposit(name), *(account for each in of_each for account in each)]
        if name in self.agreements:
            return accounts.of_agreement(name)
        # Neither is in the file any more: its lines are, under one name or the other.
        return [accounts.deposit(name), *accounts.of_agreement(name)]
