"""Who carries out obligations, as clearing sees them: asked before an outcome is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy.engine import Connection


class Payouts(Protocol):
    """Who carries out obligations: asked, and told, in the transaction that unwinds a window."""

    def standing(
        self, connection: Connection, obligation_ids: Sequence[str], *, locks: bool
    ) -> Mapping[str, bool]:
        """The obligations that have a payment, each with whether one of it was ever released.

        With `locks` none of them may be released until the transaction ends.
        """
        ...

    def withdraw(self, connection: Connection, obligation_ids: Sequence[str], *, why: str) -> None:
        """Cancel the payments of obligations that are no longer what they were."""
        ...


class NobodyKnown:
    """Payments that nobody can tell of: what one has taken up counts as released."""

    def standing(
        self,
        connection: Connection,  # noqa: ARG002  # as `Payouts`
        obligation_ids: Sequence[str],  # noqa: ARG002
        *,
        locks: bool,  # noqa: ARG002
    ) -> Mapping[str, bool]:
        """None."""
        return {}

    def withdraw(self, connection: Connection, obligation_ids: Sequence[str], *, why: str) -> None:
        """Nothing: there is none."""
