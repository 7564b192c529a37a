"""Two nights played on a small night, and the reports that are assembled from their store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from settle import nightly
from settle.hub import Hub
from settle.ledger.tables import journal
from settle.reconciliation.tables import line_outcomes
from settle.report import ExceptionKind, ExitCode, MorningReport
from settle.report.assembly.flows import KEPT
from settle.report.matrix import NET_COLUMNS
from settle.simulation.rehearsal import rehearse
from settle.store import metadata

CHARGED = {"refunds_minor", "chargebacks_minor", "fees_minor", "tax_minor",
           "reserve_withheld_minor"}  # fmt: skip
DEMONSTRATED = {"lost_answer", "503_storm", "short_return", "batch_booked_line", "unexpected_line",
                "rejected_account", "waiting_for_funds", "conflicting_record"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """What two nights left: their reports by day, the last one's after a second run, the hub."""

    reports: Mapping[date, MorningReport]
    files: Mapping[date, tuple[bytes, bytes]]
    repeated: tuple[bytes, bytes]
    hub: Hub

    @property
    def both(self) -> list[MorningReport]:
        return [self.reports[day] for day in sorted(self.reports)]


def play(hub: Hub, day: date) -> tuple[MorningReport, tuple[bytes, bytes]]:
    """Run one night, and give its report and its two files."""
    metadata.create_all(hub.store.engine)
    night = nightly.run(hub, day)
    files = (night.page.read_bytes(), night.data.read_bytes())
    return hub.report(day), files


@pytest.fixture(scope="module")
def nights(small_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    reports, files = {}, {}
    with rehearse(small_night, tmp_path_factory.mktemp("assembly")) as rehearsal:
        for day in rehearsal.config.record_days():
            rehearsal.begin(day)
            with Hub.open(rehearsal.config_path) as hub:
                reports[day], files[day] = play(hub, day)
        with Hub.open(rehearsal.config_path) as hub:
            _, repeated = play(hub, max(reports))
            yield Nights(reports=reports, files=files, repeated=repeated, hub=hub)


def test_a_second_run_without_new_evidence_gives_the_same_bytes(nights: Nights) -> None:
    """Page and data of a night run twice are equal, `known_at` included."""
    assert nights.files[max(nights.files)] == nights.repeated


def test_a_rehearsed_night_goes_on_from_its_latest_evidence(nights: Nights) -> None:
    """Run again, its clock does not go back: a later statement is never taken for an older one."""
    day = max(nights.reports)
    assert nights.reports[day].known_at <= nights.hub.now(day)


def test_every_record_is_accepted_a_duplicate_or_in_quarantine(nights: Nights) -> None:
    """What came in is the sum of what became of it, for the night and for each file."""
    for report in nights.both:
        assert report.intake.records_in > 1_000
        assert report.intake.sums
        for file in report.intake.files:
            assert file.records_in == file.accepted + file.duplicates + file.quarantined
        counted = sum(row.count for row in report.intake.by_reason)
        assert report.intake.quarantined == counted
        assert counted == len(report.intake.findings) + report.intake.findings_not_shown


def test_a_net_position_is_the_sum_of_its_parts(nights: Nights) -> None:
    """In each currency sales, refunds, fees and the rest, all converted, give the net exactly."""
    for report in nights.both:
        assert len(report.settled) == 14
        for row in report.settled:
            signs = [(-1 if name in CHARGED else 1, name) for _, name in NET_COLUMNS]
            assert row.net_minor == sum(sign * getattr(row, name) for sign, name in signs)


def test_what_is_owed_is_paid_on_the_way_waiting_or_returned(nights: Nights) -> None:
    """Each obligation has one fate, and with what is carried forward they are the net."""
    for report in nights.both:
        for row in report.settled:
            fates = (row.paid_minor, row.on_the_way_minor, row.waiting_minor, row.returned_minor)
            assert row.obligations_minor == sum(fates)
            assert row.net_minor == row.obligations_minor + row.carried_forward_minor


def test_netting_counts_every_settled_record_once(nights: Nights) -> None:
    """The records of all settlement currencies are the records of the window."""
    for report in nights.both:
        assert report.windows[0].records == sum(row.records for row in report.netting)
        assert all(row.gross_minor >= abs(row.net_minor) for row in report.netting)


def test_match_rates_count_every_line_once(nights: Nights) -> None:
    """The lines of both nights' rates are the lines that are kept."""
    with nights.hub.store.reading() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(line_outcomes))
    assert kept == sum(report.reconciliation.lines for report in nights.both)


def test_proofs_hold_in_every_currency(nights: Nights) -> None:
    """The ledger balances in the fourteen currencies and in the payers' own."""
    for report in nights.both:
        assert len(report.balanced) == 15
        assert not report.unbalanced


def test_flows_are_the_journal_of_the_night(nights: Nights) -> None:
    """What banks paid out is what the journal took from the banks' accounts, by currency."""
    paid: dict[str, int] = defaultdict(int)
    shown: dict[str, int] = defaultdict(int)
    with nights.hub.store.reading() as connection:
        for row in connection.execute(sa.select(journal).where(journal.c.credit.like("nostro/%"))):
            paid[row.currency] += row.amount_minor
    for flow in (flow for report in nights.both for flow in report.flows):
        shown[flow.currency] += flow.amount_minor * (flow.target == "Paid out by banks")
    assert dict(paid) == {currency: amount for currency, amount in shown.items() if amount}


def test_what_places_hold_is_what_they_held_the_night_before(nights: Nights) -> None:
    """The second night begins with what the first one left, in each place that keeps money."""
    first, second = nights.both
    left, found = (
        {
            (flow.currency, place): flow.amount_minor
            for report in (source,)
            for flow in report.flows
            for place, names in KEPT.items()
            if names[which] in (flow.source, flow.target)
        }
        for source, which in ((first, 1), (second, 0))
    )
    assert found
    assert found.items() <= left.items()


def test_every_kind_of_trouble_is_told(nights: Nights) -> None:
    """The two reports together name each thing that goes wrong on purpose, and how it stands."""
    incidents = [incident for report in nights.both for incident in report.incidents]
    assert {incident.kind for incident in incidents} >= DEMONSTRATED
    lost = [one for one in incidents if one.kind in ("lost_answer", "503_storm")]
    assert all(one.closed for one in lost)
    assert all(one.what and one.now for one in incidents)
    for report in nights.both:
        assert sorted(report.incidents, key=lambda one: one.at) == list(report.incidents)


def test_each_unknown_is_shown_with_the_evidence_that_ended_it(nights: Nights) -> None:
    """A payment whose answer was lost is among those that were unknown, with what ended that."""
    first = nights.both[0]
    closed = [x for x in first.payments.exceptions if x.kind is ExceptionKind.UNKNOWN_CLOSED]
    assert first.unknowns == 0
    assert len(closed) == first.payments.total(ExceptionKind.UNKNOWN_CLOSED) > 0
    for payment in closed:
        assert payment.evidence
        assert any(line.what.startswith("outcome unknown") for line in payment.story)


def test_a_return_says_what_is_missing_and_who_bears_it(nights: Nights) -> None:
    """A payment that came back short shows the code, the amount that is missing, and the payer."""
    returned = [
        row for row in nights.both[1].payments.exceptions if row.kind is ExceptionKind.RETURNED
    ]
    assert {"AC04", "MS03"} == {row.code for row in returned}
    for row in returned:
        assert row.short_minor > 0
        assert "hub" in row.borne_by
        booked, came_back = (line.what.partition(" ")[0] for line in row.story[-2:])
        assert (booked, came_back) == ("booked", "returned")


def test_findings_name_file_row_field_value_and_reason(nights: Nights) -> None:
    """Each refused record is one line, in the order of files and rows."""
    lines = nights.hub.findings(min(nights.reports))

    assert len(lines) == nights.both[0].intake.quarantined
    expected = "records-2024-12-18-broken.csv: row 8: currency: 'USX': currency unknown"
    assert expected == lines[0]


def test_a_rail_that_is_down_outweighs_everything(nights: Nights) -> None:
    """The exit code is the highest that applies, and the incident says why the rail is down."""
    day = max(nights.reports)
    nights.hub.nights.silence(day, {"iso20022_bank": "connection refused"})
    report = nights.hub.report(day)

    assert nights.both[1].exit_code is ExitCode.BAD_INPUT
    assert report.exit_code is ExitCode.RAIL_DOWN
    assert any("connection refused" in one.what for one in report.incidents)


def test_the_report_is_the_same_on_postgresql(
    nights: Nights, small_night: Path, tmp_path: Path, postgres_url: str
) -> None:
    """The first night on PostgreSQL has the figures it has on SQLite, whatever faults hit."""
    day = min(nights.reports)
    with rehearse(small_night, tmp_path, store=postgres_url) as rehearsal:
        rehearsal.begin(day)
        with Hub.open(rehearsal.config_path) as hub:
            report, _ = play(hub, day)

    figures = ("intake", "settled", "netting", "proofs", "flows")
    for name in figures:
        assert getattr(nights.both[0], name) == getattr(report, name)
    assert nights.both[0].payments.states == report.payments.states
