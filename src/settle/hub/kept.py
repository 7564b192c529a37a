"""What people do about what is kept: decide, read, empty, and give another key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from settle import payments
from settle.errors import BadInput, ConfigError
from settle.hub.auditing import Audited
from settle.hub.backup import back_up
from settle.hub.backup_manifest import BackupManifest
from settle.hub.evidence import refuse_blank
from settle.hub.words import told
from settle.store import uuid7


class Kept(Audited):
    """An opened configuration whose exchanges are kept. This is the part of a hub for evidence."""

    def story(self, payment_id: str, *, contents: bool = False) -> payments.Story:
        """A payment and everything stored about it; with `contents`, what its exchanges said.

        Raises:
            BadInput: there is no such payment.
            ConfigError: a key of `[exchanges]` cannot be read.
        """
        with self.store.reading() as connection:
            return payments.story(connection, payment_id, contents=contents)

    @told
    def decide(
        self, payment_id: str, verdict: payments.Verdict, *, actor: str, why: str
    ) -> payments.Decided:
        """Keep what a person says became of a payment that nobody knows; the second closes it.

        Raises:
            BadInput: as `payments.decide`; or who or why is blank.
            Restored: the store is a backup that was put back, and has not been searched.
        """
        refuse_blank(actor=actor, why=why)
        self.epoch.refuse_restored(what="decided")
        said = payments.Statement(
            payment_id=payment_id, verdict=verdict, actor=actor, why=why, at=self.now()
        )
        return payments.decide(self.store, said)

    def erase(
        self, *, actor: str, reason: str, payment_id: str | None = None, party: str | None = None
    ) -> payments.Erased:
        """Empty the exchanges of one payment, or of all payments of a participant or agreement.

        Digests, journal and events stay.

        Raises:
            BadInput: one of these payments is open, there is none, or who or why is blank.
        """
        refuse_blank(actor=actor, reason=reason)
        if (payment_id is None) == (party is None):
            raise BadInput("give either a payment or a party", field="party")
        asked = payments.Erasure(actor=actor, reason=reason, at=self.now())
        if payment_id is not None:
            wanted, scope = [payment_id], f"payment {payment_id}"
        else:
            wanted, scope = self._payments_of(str(party)), f"party {party}"
        return payments.erase(self.store, wanted, asked, scope=scope, ids=uuid7)

    def retain(self) -> payments.Erased:
        """Empty what is older than `[retention]` says; nothing where it says nothing."""
        days = self.config.settings.retention.exchanges_days
        if days is None:
            return payments.Erased(exchanges=0)
        return payments.erase_old(
            self.store, kept_for=timedelta(days=days), at=self.now(), ids=uuid7
        )

    def rotate(self) -> int:
        """Keep every exchange under the first key of `[exchanges]`; say how many were not.

        Raises:
            BadInput: there is no key.
            ConfigError: a key cannot be read.
            Locked: an exchange is under a key that is not named.
        """
        return payments.rotate(self.store)

    def back_up(self, target: Path) -> BackupManifest:
        """Copy the store to a new folder, with the digests of what the lake has.

        Raises:
            BadInput: there is something at that place.
            ConfigError: the key of `[audit]` cannot be read.
        """
        return back_up(self, target, at=self.now())

    def refuse_plain(self) -> None:
        """Refuse to go on in plain where exchanges are kept encrypted.

        Raises:
            ConfigError: there is no key, or it cannot be read.
        """
        if not self.store.vault.is_open:
            _ = self.store.vault.key_id
            return
        with self.store.reading() as connection:
            if payments.any_locked(connection):
                raise ConfigError(
                    "exchanges.keys: is not set, and exchanges are kept encrypted; "
                    "nothing is sent without it",
                    key="exchanges.keys",
                )

    def _payments_of(self, party: str) -> list[str]:
        agreements = self.agreements.of_participant(party) or [party]
        with self.store.reading() as connection:
            found = payments.of_agreements(connection, agreements)
        if not found:
            raise BadInput(f"there is no payment of {party}", field="party")
        return found
