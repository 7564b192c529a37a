"""The part of a hub that screens whoever is paid, and keeps what people decide about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from settle.errors import ConfigError
from settle.hub.auditing import Audited
from settle.hub.evidence import refuse_blank
from settle.hub.words import told
from settle.payments import screening
from settle.payments.screening import Ruling, Screener, ScreeningList, Thresholds, Verdict
from settle.store import uuid7


class Screened(Audited):
    """An opened configuration whose payees are screened."""

    _screener: tuple[tuple[tuple[int, int], ...], Screener] | None = None

    def screen(
        self, day: date | None = None, *, releasing: bool = False
    ) -> screening.Screened | None:
        """Screen whoever the lists, as their files are now, have not seen; None: nobody ever is.

        `releasing`: once more, too, whoever is about to be paid; `pay` does so by itself.

        Raises:
            BadInput: a list cannot be read, or is an older one; nothing that it has not seen is
                released then.
            ConfigError: lists are in force on this store, and the settings name none.
        """
        screener = self.screener
        tenant = self.config.settings.settle.tenant
        if screener is None:
            self._refuse_silence(tenant)
            return None
        return screening.screen(
            self.store, screener, tenant=tenant, now=self.now(day), releasing=releasing
        )

    def held_names(self) -> Sequence[screening.HeldName]:
        """Payments that screening holds, or reports in flight."""
        with self.store.reading() as connection:
            return screening.held(connection, tenant=self.config.settings.settle.tenant)

    def screening_of(self, payment_id: str) -> screening.ScreeningStory:
        """Every screening of a payment, and what people ruled about its beneficiary.

        Raises:
            BadInput: there is no such payment.
        """
        tenant = self.config.settings.settle.tenant
        with self.store.reading() as connection:
            return screening.screening_story(connection, payment_id, tenant=tenant)

    @told
    def rule(self, payment_id: str, ruling: Ruling, *, actor: str, reason: str) -> Verdict:
        """Keep what a person rules of a held payment's beneficiary, and say how it stands.

        It holds for this beneficiary and these entries until either changes. A block is cleared
        by two people. Nothing is sent by it: what is free goes with the next `pay`.

        Raises:
            BadInput: screening has nothing against the payment, or who or why is blank.
        """
        refuse_blank(actor=actor, reason=reason)
        return screening.rule(
            self.store, payment_id, ruling, tenant=self.config.settings.settle.tenant,
            actor=actor, reason=reason, now=self.now(), ids=uuid7,
        )  # fmt: skip

    @told
    def end_screening(self, *, actor: str, reason: str) -> None:
        """Screen no more: whoever was held is free. The settings name no list any more.

        Raises:
            BadInput: no lists are in force, or who or why is blank.
            ConfigError: the settings still name lists, which would be in force again at once.
        """
        refuse_blank(actor=actor, reason=reason)
        if self.config.settings.screening.lists:
            key = "screening.lists"
            raise ConfigError(f"{key}: the settings still name lists; remove them first", key=key)
        screening.end(
            self.store, tenant=self.config.settings.settle.tenant, actor=actor, reason=reason,
            now=self.now(),
        )  # fmt: skip

    @property
    def screener(self) -> Screener | None:
        """The lists as their files are now, with the thresholds; None where there are none.

        Raises:
            BadInput: a file cannot be read, or a line does not fit.
        """
        given = self.config.settings.screening
        paths = {name: self.config.path(path) for name, path in sorted(given.lists.items())}
        if not paths:
            return None
        stamps = tuple(_stamp(path) for path in paths.values())
        if self._screener is None or self._screener[0] != stamps:
            lists = [ScreeningList.load(path, name=name) for name, path in paths.items()]
            thresholds = Thresholds(review_at=given.review_at, block_at=given.block_at)
            self._screener = stamps, Screener(lists, thresholds)
        return self._screener[1]

    def _refuse_silence(self, tenant: str) -> None:
        with self.store.reading() as connection:
            standing = screening.in_force(connection, tenant=tenant)
        if standing is not None:
            raise ConfigError(
                f"screening.lists: the settings name none, and this store screens by those of "
                f"{standing.adopted_at:%Y-%m-%d}; name them, or end it: settle screening end",
                key="screening.lists",
            )


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0  # loading it says what is wrong
    return found.st_mtime_ns, found.st_size
