"""The night, step by step: fetch, reconcile, close, pay, look up, reconcile, seal, report.

Every step can be run again: what is done is found done. So a night that was killed is simply
run again, and a night run twice prints the same figures unless new evidence has come in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from settle.errors import BadInput, Busy, ConfigError, Restored
from settle.hub import Ending, Hub, Named
from settle.report import ExitCode, report_files, sentence, summary_lines, write
from settle.report.figures import plural


class Progress(Protocol):
    """Where a night shows how far it is."""

    def begin(self, title: str) -> None:
        """A step begins."""
        ...

    def advance(self, done: int, total: int) -> None:
        """The step under way has done so much of so much."""
        ...

    def end(self, summary: str) -> None:
        """The step under way has ended, with its figures."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, title: str) -> None:
        """Nothing."""

    def advance(self, done: int, total: int) -> None:
        """Nothing."""

    def end(self, summary: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night that has ended: its exit code, its report, and what it prints last.

    `findings` names what was refused, a line each; `rails_down` why a rail could not be asked.
    """

    day: date
    exit_code: ExitCode
    page: Path
    data: Path
    lines: tuple[str, ...]
    findings: tuple[str, ...] = ()
    rails_down: Mapping[str, str] = field(default_factory=dict)


def run(
    hub: Hub,
    day: date,
    *,
    records: Sequence[Path] = (),
    failed: Collection[str] = (),
    progress: Progress | None = None,
) -> Night:
    """Run, or go on with, the night of a business day. This may be repeated at will.

    `records` are files taken beside those the configuration names for the day and for days left
    out before it. `failed` are participants that cannot pay, kept before any step: a night that
    was killed and is run again without closes with the same, and so does the next if it never
    closed (see `Hub.name_failed`). Once a later night has begun, this one is over: it only says how
    it ended.

    Raises:
        BadInput: the day has not ended yet, or is over and something is given to it; agreements
            or rates cannot be used; or who failed is no participant, or is not left out of the
            window and that is closed. The night has not begun then.
        Busy: another process runs a night on this store.
        ConfigError: a setting or a credential is wrong.
        NotConserved: positions do not sum to zero; nothing of the window was stored.
    """
    with hub.night(day, failed=failed) as may_act:
        if not may_act:
            return _as_it_ended(hub, day, takes_more=bool(records or failed))
        named = hub.name_failed(day, failed)
        steps = _Steps(hub=hub, day=day, records=records, named=named, show=progress or Silent())
        for title, step in steps.in_order():
            steps.show.begin(title)
            steps.show.end(step())
        return steps.ended()


@dataclass(slots=True, kw_only=True)
class _Steps:
    """One night under way. Each step says in a few words what it did."""

    hub: Hub
    day: date
    records: Sequence[Path]
    named: Named
    show: Progress
    rails_down: dict[str, str] = field(default_factory=dict)

    def in_order(self) -> Iterator[tuple[str, Callable[[], str]]]:
        if self.named.is_told:
            yield "Name who failed", self.name
        if screens := bool(self.hub.config.settings.screening.lists):
            yield "Screen by lists that changed", self.screen
        yield "Fetch statements", self.fetch
        yield "Look up what is left open", self.look_up_all
        yield "Reconcile", self.reconcile
        yield "Take records", self.take
        yield "Close the window: convert, net, post", self.close
        yield "Obligations become payments", self.plan
        if screens:
            yield "Screen who is paid", self.screen
        yield "Approve and fund", self.release
        yield "Pay", self.pay
        yield "Look up what is not known", self.look_up
        yield "Fetch what is there already", self.fetch
        yield "Reconcile again", self.reconcile
        if self.hub.matrix is not None:
            yield "Plan the funding", self.fund
        yield "Seal the ledger", self.seal
        if self.hub.config.settings.retention.exchanges_days is not None:
            yield "Empty old exchanges", self.retain

    def name(self) -> str:
        return str(self.named)

    def fetch(self) -> str:
        done = self.hub.fetch(self.day, advance=self.show.advance)
        self.rails_down.update(done.rails_down)
        return f"{done.statements} statements, {done.lines_new:,} new lines"

    def reconcile(self) -> str:
        done = self.hub.reconcile(self.day)
        return (
            f"{done.matched:,} lines matched, {done.unexplained:,} unexplained, "
            f"{done.breaks_open:,} breaks open"
        )

    def take(self) -> str:
        taken = []
        for path in [*self.hub.record_files(self.day), *self.records]:
            try:
                taken.append(self.hub.take(path, day=self.day))
            except BadInput as error:
                self.hub.nights.refuse(self.day, path.name, str(error))
            else:
                self.hub.nights.accept(self.day, path.name)
                self.hub.nights.took(self.day, taken[-1].batch_id)
        return (
            f"{sum(x.records_in for x in taken):,} in = "
            f"{sum(x.accepted for x in taken):,} accepted + "
            f"{sum(x.duplicates for x in taken):,} duplicates + "
            f"{sum(x.quarantined for x in taken):,} quarantined"
        )

    def close(self) -> str:
        done = self.hub.close_window(self.day, failed=self.named.names)
        return f"{done.records:,} records netted to {done.positions:,} positions"

    def plan(self) -> str:
        self.hub.nights.silence(self.day, self.rails_down)  # routing passes over who is silent
        done = self.hub.plan(self.day)
        for obligation_id, why in done.refused.items():
            self.hub.nights.refuse(self.day, obligation_id, f"obligation {obligation_id}: {why}")
        return f"{done.obligations:,} obligations, {done.payments:,} payments, {done.held:,} held"

    def screen(self) -> str:
        if not self.may_release():
            return "nothing: a screening list cannot be used"
        held = self.hub.held_names()
        flying = sum(name.in_flight for name in held)
        return f"{len(held) - flying:,} held, {flying:,} in flight"

    def may_release(self) -> bool:
        """Whether the lists could be read, and have seen whoever is paid."""
        try:
            self.hub.screen(self.day)
        except BadInput as error:
            self.hub.nights.refuse(self.day, "screening", str(error))
            return False
        self.hub.nights.accept(self.day, "screening")
        return True

    def release(self) -> str:
        done = self.hub.release(self.day)
        held = ", ".join(f"{count:,} {control}" for control, count in done.held.items())
        return f"{done.funded:,} free to go, {done.waiting:,} wait" + (f": {held}" if held else "")

    def pay(self) -> str:
        if not self.may_release():
            return "nothing: a screening list cannot be used"
        try:
            done = self.hub.pay(self.day, advance=self.show.advance)
        except Restored as error:
            self.hub.nights.refuse(self.day, "store", str(error))
            return "nothing: the store is a backup that was put back"
        self.hub.nights.accept(self.day, "store")
        self.rails_down.update(done.rails_down)
        return f"{done.accepted:,} accepted, {done.rejected:,} rejected, {done.unknown:,} unknown"

    def look_up_all(self) -> str:
        return self.look_up(accepted=True)

    def look_up(self, *, accepted: bool = False) -> str:
        done = self.hub.look_up(self.day, accepted=accepted, advance=self.show.advance)
        self.rails_down.update(done.rails_down)
        if accepted:
            self.rails_down.update(self.hub.pursue_recalls().silent)
        return f"{done.closed:,} closed by evidence, {done.unknown:,} unknown"

    def fund(self) -> str:
        funding = self.hub.fund(self.day).funding
        if funding.failed:
            return f"no plan: {funding.failed}"
        return f"{plural(len(funding.moves), 'move')}, {plural(len(funding.short), 'need')} short"

    def seal(self) -> str:
        try:
            done = self.hub.seal(self.day)
        except Busy:
            return "nothing: another process seals just now"
        except ConfigError as error:
            self.hub.nights.refuse(self.day, "seal", str(error))
            return "nothing: the chain is signed, and there is no key to go on"
        self.hub.nights.accept(self.day, "seal")
        entries = plural(done.entries, "entry", "entries")
        return f"{entries} in {plural(done.blocks, 'block')}, head {done.head or 'none'}"

    def retain(self) -> str:
        done = self.hub.retain()
        return f"{done.exchanges:,} exchanges emptied, their digests kept"

    def ended(self) -> Night:
        self.show.begin("Report")
        self.hub.nights.silence(self.day, self.rails_down)
        report = self.hub.report(self.day)
        page, data = write(report, self.hub.reports)
        lines = tuple(summary_lines(report))
        self.hub.nights.end(self.day, Ending(exit_code=int(report.exit_code), lines=lines))
        self.show.end(sentence(report))
        return Night(
            day=self.day, exit_code=report.exit_code, page=page, data=data, lines=lines,
            findings=tuple(self.hub.findings(self.day)), rails_down=self.rails_down,
        )  # fmt: skip


def _as_it_ended(hub: Hub, day: date, *, takes_more: bool) -> Night:
    """A night that is over: what it printed last. It takes nothing more, and says so."""
    ending, later = hub.nights.ending(day), hub.nights.last()
    if ending is None or takes_more:
        raise BadInput(
            f"--date {day}: the night of {later} has begun, so this one is over and takes nothing; "
            f"what is left goes into a later night: settle nightly --records FILE --failed NAME",
            field="date",
        )
    page, data = report_files(day, hub.reports)
    return Night(
        day=day, exit_code=ExitCode(ending.exit_code), page=page, data=data, lines=ending.lines,
        findings=tuple(hub.findings(day)), rails_down=hub.nights.rails_down(day),
    )  # fmt: skip
