"""The errors that stop a call, as one tree.

    SettleError
    ├── BadInput               what came in does not fit; names file, row, field and why
    │   ├── MoneyError         an amount that does not fit its currency exactly
    │   ├── UnknownCurrency    a code that the currency table does not have
    │   ├── ConfigError        a setting; names the key and the fix
    │   └── DocumentError      a statement or report that cannot be read; names the place
    ├── RailError              a bank or partner could not be asked
    │   ├── RailDown           reads failed for as long as the policy allows
    │   └── Unsupported        the profile says "no" to this verb, refused before anything is sent
    ├── ReplayMismatch         a replayed conversation asked for another request than the stored one
    ├── Busy                   another process does the same on this store just now
    ├── Restored               the store is a backup put back; nothing is released from it
    ├── NotConserved           positions of a window do not sum to zero in a currency
    └── NotVerified            no funding plan was found that holds in integers; none is handed out

`Interrupted` is none of them: nothing that goes on after an error goes on after it.

An outcome of a payment is never an exception: see `settle.adapters.outcome`. Findings on
records and statement lines are data, not exceptions; `BadInput` is for what cannot be taken
at all. Every error keeps its facts as fields and pickles; a body or a secret is never among them.
"""

from __future__ import annotations

from typing import Any


class SettleError(Exception):
    """The root: everything this library raises on purpose."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.facts)

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(name)


def _rebuild(kind: type[SettleError], message: str, facts: dict[str, Any]) -> SettleError:
    return kind(message, **facts)


class BadInput(SettleError):
    """What came in does not fit; the message names file, row, field and why."""


class MoneyError(BadInput):
    """An amount that cannot be held exactly in its currency."""


class UnknownCurrency(BadInput):
    """A currency code that the table does not have."""


class ConfigError(BadInput):
    """A setting that cannot be used; the message names the key and the fix."""


class DocumentError(BadInput):
    """A statement or a rail's report that cannot be read; the message names the place."""


class RailError(SettleError):
    """A bank or partner could not be asked."""


class RailDown(RailError):
    """The rail did not answer reads for as long as the policy allows."""


class Unsupported(RailError):
    """The rail's profile says that it does not do this; nothing was sent."""


class ReplayMismatch(SettleError):
    """A replayed conversation asked for another request than the one stored at this step."""


class Busy(SettleError):
    """Another living process is doing the same on this store."""


class Restored(SettleError):
    """The store has forgotten runs that its lake remembers: a backup was put back."""


class NotConserved(SettleError):
    """The positions of a window do not sum to zero in some currency."""


class NotVerified(SettleError):
    """No funding plan was found that holds when it is recomputed in integers."""


class Interrupted(RuntimeError):
    """A signal came while the engine computed, and whoever handles it raised.

    This stands for what was raised, which the engine forgets: `KeyboardInterrupt` after Ctrl-C,
    or what a handler of the platform's own raises.
    """
