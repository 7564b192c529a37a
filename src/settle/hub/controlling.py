"""The controls of a hub: approvals, the pause switch, confirmed nights, what is held and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import assert_never

from settle import payments
from settle.errors import BadInput
from settle.hub.auditing import Audited
from settle.hub.words import told


class Controlled(Audited):
    """An opened configuration whose releases persons decide on. Actors come authenticated."""

    @told
    def approve(self, payment_id: str, *, actor: str) -> payments.Signed:
        """Approve one payment that waits for a person, or clear its cool-off or velocity limit.

        Above `[approval] second_limit_major` two different persons must; the answer says how many
        are missing. What is cleared goes with the next release.

        Raises:
            BadInput: there is no such payment, it does not wait for an approval, another person
                has to, or nobody is named.
        """
        return payments.approve_one(
            self.store, payment_id, actor=actor, now=self.now(),
            policy=self.config.settings.approval.policy(),
        )  # fmt: skip

    @told
    def pause(self, scope: payments.Scope, *, name: str, actor: str, reason: str) -> None:
        """Send nothing more to a rail, a currency or a party (an agreement), from now on.

        This needs no lock, so it stops a night that is under way; what waits says so from the
        next release on.

        Raises:
            BadInput: it is paused already, there is no such rail, currency or agreement, or who or
                why is blank.
        """
        if not self._is_known(scope, name):
            raise BadInput(f"there is no {scope} {name!r}; {self._there_are(scope)}", field="name")
        payments.pause(self.store, scope, name=name, actor=actor, reason=reason, now=self.now())

    @told
    def resume_paused(self, scope: payments.Scope, *, name: str, actor: str, reason: str) -> None:
        """Let what `pause` stopped go on with the next release.

        Raises:
            BadInput: no switch pauses it, or who or why is blank.
        """
        payments.resume(self.store, scope, name=name, actor=actor, reason=reason, now=self.now())

    @told
    def confirm_night(self, day: date, currency: str, *, actor: str) -> payments.Confirmed:
        """Let a night release what its blast radius holds in a currency, as it is now.

        Raises:
            BadInput: nothing waits for it, or nobody is named.
        """
        return payments.confirm(
            self.store, day=day, currency=currency, actor=actor, now=self.now(day)
        )

    @property
    def pauses(self) -> payments.Pauses:
        """What is paused now: by the file, and by switches of the store."""
        with self.store.reading() as connection:
            return self.config.settings.controls.pauses | payments.paused(connection)

    def held(self) -> Sequence[payments.Hold]:
        """What holds each payment that has not left: the control, since when, and what ends it."""
        with self.store.reading() as connection:
            return payments.holds(connection)

    def _is_known(self, scope: payments.Scope, name: str) -> bool:
        """Whether there is such a thing: a slip of the pen would pause nothing, and nobody see."""
        match scope:
            case payments.Scope.RAIL:
                return name in self.adapters
            case payments.Scope.CURRENCY:
                return name in self._currencies()
            case payments.Scope.PARTY:
                return name in self.agreements
            case _:
                assert_never(scope)

    def _there_are(self, scope: payments.Scope) -> str:
        if scope is payments.Scope.PARTY:
            return "a party is an agreement, by its id"
        known = self.adapters if scope is payments.Scope.RAIL else self._currencies()
        return f"there are {', '.join(sorted(known)) or 'none'}"

    def _currencies(self) -> set[str]:
        return {ref.currency for rail in self.adapters.values() for ref in rail.accounts()}
