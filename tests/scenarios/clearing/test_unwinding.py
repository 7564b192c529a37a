"""Who failed after the close: payments give way, or the window is final; never both."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from settle import payments
from settle.clearing import (
    Cutoff,
    Unwound,
    corrections,
    positions,
    records_under,
    unwind,
    unwindings,
)
from settle.clearing.files import verify_files, write_files
from settle.clearing.tables import obligations, position_lines, windows
from settle.errors import BadInput, Restored
from settle.hub import Hub
from settle.hub.amending import _Payouts
from settle.hub.funding import keep_funding
from settle.ledger import balances
from settle.ledger.tables import journal
from settle.payments.claiming import Claim, claim
from settle.payments.leasing import Lease
from settle.payments.tables import payments as payment_rows
from settle.report.funding import Funding

DAY = date(2024, 12, 18)
AT = Cutoff().ends_at(DAY) + timedelta(hours=1)
RAIL, ACCOUNT = "iso20022_bank", "DE95100100107000000059"
CONFIG = """
[settle]
tenant = "t"
store = "{store}"
lake = "lake"
[clearing]
agreements = "agreements.parquet"
rates = "rates.csv"
[rails.iso20022_bank]
plugin = "iso20022_bank"
base_url = "http://127.0.0.1:1"
bic = "ZSETDEFF"
debtor_name = "n"
debtor_country = "SG"
debtor_town = "Singapore"
user = "u"
password = "env:NOWHERE"
[rails.iso20022_bank.accounts]
EUR = "DE95100100107000000059"
"""
TERMS = {
    "settlement_currency": "EUR", "fee_ppm": 10_000, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 50_000, "reserve_days": 1,
    "payout_minimum_minor": 0, "fx_markup_ppm": 0, "rounding": "half_even",
    "valid_from": date(2024, 1, 1), "beneficiary_name": "Mo", "beneficiary_country": "DE",
    "beneficiary_town": "Ulm", "beneficiary_account": "DE89370400440532013000",
    "beneficiary_bic": "COBADEFFXXX", "beneficiary_bank_code": None, "netting": "net",
}  # fmt: skip
ROLES = {"M1": "agent", "M2": "agent", "M3": "principal", "M4": "agent", "P1": "principal",
         "P2": "principal"}  # fmt: skip
SOLD = {("M1", "P1"): 100_00, ("M1", "P2"): 200_00, ("M2", "P2"): 300_00, ("M3", "P2"): 400_00,
        ("M4", "P1"): 500_00}  # fmt: skip
"""Who sold for how much through whom. Of P2's, M1's and M2's wait once it has failed."""
CHANGED = {"A-M1", "A-M2"}


def agreements() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, "hub_role": role,
             "role": "partner" if name[0] == "P" else "merchant"}
            for name, role in ROLES.items()
        ]
    )  # fmt: skip


def records(day: date = DAY) -> list[dict[str, Any]]:
    return [
        {
            "record_id": f"{day}/{merchant}/{partner}", "participant_id": merchant,
            "agreement_id": f"A-{merchant}", "counterparty_id": partner, "kind": "sale",
            "amount_minor": amount, "currency": "EUR",
            "occurred_at": Cutoff().ends_at(day) - timedelta(hours=5),
        }
        for (merchant, partner), amount in SOLD.items()
    ]  # fmt: skip


def settings(folder: Path, store: str) -> Path:
    folder.mkdir(exist_ok=True)
    parquet.write_table(agreements(), folder / "agreements.parquet")
    (folder / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.0510\n")
    (folder / "settle.toml").write_text(CONFIG.format(store=store))
    return folder / "settle.toml"


def opened(folder: Path, store: str, *, at: datetime = AT) -> Hub:
    return Hub.open(settings(folder, store), clock=lambda: at)


def fail(hub: Hub, *names: str, **more: Any) -> Unwound:
    return hub.unwind(DAY, failed=names or ("P2",), actor="ada", reason="insolvent", **more)


@pytest.fixture
def hub(store_url: str, tmp_path: Path) -> Iterator[Hub]:
    """A window closed, on each database in turn."""
    with opened(tmp_path, store_url) as made:
        made.take(records())
        made.close_window(DAY)
        yield made


@pytest.fixture
def paying(hub: Hub) -> Hub:
    """Its obligations are payments now, approved and funded, and none is released."""
    hub.plan(DAY)
    payments.approve(hub.store, payments.Policy(limit_minor={"EUR": 10**9}), now=AT)
    payments.fund(hub.store, balances={(RAIL, ACCOUNT, "EUR"): 10**9}, now=AT)
    return hub


def rows(hub: Hub, table: sa.Table) -> list[dict[str, Any]]:
    with hub.store.reading() as connection:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def live(hub: Hub) -> dict[str, tuple[int, str]]:
    """What is on its way to each agreement, and in which state."""
    return {
        row["agreement_id"]: (row["amount_minor"], row["state"])
        for row in rows(hub, payment_rows)
        if row["live"]
    }


def owed(hub: Hub) -> dict[str, int]:
    return {row["agreement_id"]: row["amount_minor"] for row in rows(hub, obligations)}


def claimed(hub: Hub) -> list[str]:
    """Release what is ready, as a worker does; gives the agreements."""
    with hub.store.transaction() as connection:
        return claim_in(connection)


def claim_in(connection: sa.Connection) -> list[str]:
    lease = Lease(rail=RAIL, worker="w", now=AT, length=timedelta(minutes=5))
    wish = Claim(lease=lease, count_max=100, batch_size_max=None, day=DAY)
    (sendings,) = claim(connection, [wish])
    return sorted(row["agreement_id"] for sending in sendings for row in sending.rows)


# ---- payments give way ----


def test_payments_of_what_changes_are_cancelled_and_the_others_stand(paying: Hub) -> None:
    """An approved payment of an unchanged obligation stays approved; a changed one is made anew."""
    before = live(paying)
    told = fail(paying)
    assert {change.agreement_id for change in told.changes} == CHANGED
    assert {name: row for name, row in before.items() if name not in CHANGED} == live(paying)
    paying.plan(DAY)
    assert owed(paying) == {name: amount for name, (amount, _) in live(paying).items()}
    assert {"planned"} == {state for name, (_, state) in live(paying).items() if name in CHANGED}
    keys = [row["idempotency_key"] for row in rows(paying, payment_rows)]
    assert len(keys) == len(set(keys))


def test_planning_before_a_crash_and_unwinding_after_it_pays_nobody_twice(hub: Hub) -> None:
    """Payments that were planned and not yet noted on their obligations are cancelled as well."""
    hub.plan(DAY)
    with hub.store.transaction() as connection:
        connection.execute(obligations.update().values(covered_at=None))
    fail(hub)
    hub.plan(DAY)
    assert owed(hub) == {name: amount for name, (amount, _) in live(hub).items()}


# ---- finality ----


def test_once_a_payment_was_released_the_window_is_final(paying: Hub) -> None:
    """Even a payment of somebody else: what others were paid stands. It says what to do instead."""
    with paying.store.transaction() as connection:
        connection.execute(
            payment_rows.update().where(payment_rows.c.agreement_id != "A-M3").values(funded=False)
        )
    assert ["A-M3"] == claimed(paying)
    before = [rows(paying, table) for table in (payment_rows, obligations, journal)]
    for rehearse in (True, False):
        with pytest.raises(BadInput, match=r"2024-12-18 is final.*'A-M3'.*Name 'P2' to the close"):
            fail(paying, rehearse=rehearse)
    assert before == [rows(paying, table) for table in (payment_rows, obligations, journal)]


def test_naming_again_who_was_named_is_no_mistake_once_it_is_final(paying: Hub) -> None:
    """A step that was done is found done."""
    done = fail(paying)
    assert ["A-M3", "A-M4"] == claimed(paying)
    assert (done.closing, ()) == ((again := fail(paying)).closing, again.changes)


def test_whoever_pays_without_us_makes_it_final_by_taking_an_obligation_up(paying: Hub) -> None:
    """Where nobody can tell of payments, one that took up an obligation counts as released."""
    with pytest.raises(BadInput, match="2024-12-18 is final"):
        unwind(
            DAY, failed=["P2"], actor="ada", reason="r", at=AT, store=paying.store,
            engine=paying.engine, lake=paying.lake, rates=paying.rates, cutoff=paying.cutoff,
        )  # fmt: skip


def test_a_backup_that_was_put_back_unwinds_nothing(paying: Hub, tmp_path: Path) -> None:
    """It may have forgotten a release."""
    paying.epoch.count()
    (told,) = (tmp_path / "lake" / "epochs").iterdir()
    told.write_text("7")
    with pytest.raises(Restored, match="nothing is unwound"):
        fail(paying)


# ---- a release at the same time ----


class Meanwhile(_Payouts):
    """Payments that something happens to while the unwinding holds them."""

    happens: Callable[[], None]

    def standing(
        self, connection: sa.Connection, obligation_ids: Sequence[str], *, locks: bool
    ) -> Mapping[str, bool]:
        found = super().standing(connection, obligation_ids, locks=locks)
        if locks:
            type(self).happens()
        return found


def test_a_worker_gets_nothing_that_is_being_unwound(
    paying: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It claims while the unwinding has looked and not committed: none of it is ever released."""
    pool, claims = ThreadPoolExecutor(1), list[Future[list[str]]]()

    def race() -> None:
        claims.append(pool.submit(claimed, paying))
        time.sleep(0.5)  # PostgreSQL's worker skips what is locked, SQLite's waits for its turn

    monkeypatch.setattr(Meanwhile, "happens", staticmethod(race), raising=False)
    monkeypatch.setattr("settle.hub.amending._Payouts", Meanwhile)
    assert fail(paying).is_done
    released = set(claims[0].result(30)) | set(claimed(paying))
    assert {"A-M3", "A-M4"} == released
    pool.shutdown()


def test_an_unwinding_waits_for_a_worker_and_finds_the_window_final(paying: Hub) -> None:
    """The worker has claimed and not committed; whichever way, both never win."""
    with ThreadPoolExecutor(1) as pool:
        with paying.store.transaction() as connection:
            assert {"A-M1", "A-M2", "A-M3", "A-M4"} == set(claim_in(connection))
            unwinding = pool.submit(fail, paying)
            time.sleep(0.5)
        with pytest.raises(BadInput, match="is final"):
            unwinding.result(60)
    assert 1 == rows(paying, windows)[0]["outcome"]


def test_of_two_that_name_the_same_at_once_one_does_it(paying: Hub, tmp_path: Path) -> None:
    """The other finds it done, and tells the same closing."""
    barrier, where = threading.Barrier(2), paying.config.settings.settle.store

    def name(hub: Hub) -> Unwound:
        barrier.wait()
        return fail(hub)

    with (
        Hub.open(tmp_path / "settle.toml", clock=lambda: AT) as other,
        ThreadPoolExecutor(2) as two,
    ):
        assert where
        both = [two.submit(name, hub) for hub in (paying, other)]
        first, second = (one.result(60) for one in both)
    assert first.closing == second.closing
    with paying.store.reading() as connection:
        (told,) = unwindings(connection)
    assert (("P2",), "ada", "insolvent", 1) == (told.failed, told.actor, told.reason, told.outcome)


# ---- killed ----


RUN = """
import sys, runpy
test = runpy.run_path(sys.argv[1])
print("ready", flush=True)
test[sys.argv[2]](*sys.argv[3:])
"""


def process(name: str, *arguments: object) -> subprocess.Popen[bytes]:
    told = [sys.executable, "-c", RUN, __file__, name, *map(str, arguments)]
    return subprocess.Popen(told, stdout=subprocess.PIPE)


def die_at_commit(folder: str, store: str) -> None:
    """Unwind, and die after the files are in place, before the database commits."""
    hub = opened(Path(folder), store)

    def die(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("settle_writes") and unwindings(connection):
            signal.raise_signal(signal.SIGKILL)

    sa.event.listen(hub.store.engine, "commit", die)
    fail(hub)


def test_killed_between_its_files_and_its_commit_it_was_never_begun(
    paying: Hub, tmp_path: Path, store_url: str
) -> None:
    """The outcome that stood stands, explained by its own files; done again it is done."""
    stood = explained(paying)
    with process("die_at_commit", tmp_path, store_url) as killed:
        assert -signal.SIGKILL == killed.wait(60)
    assert (tmp_path / "lake" / "manifest" / "2024-12-18.2.parquet").is_file()
    assert stood == explained(paying)
    done = fail(paying)
    assert (2, ("P2",)) == (done.closing.outcome, done.closing.failed)
    assert {"A-M1": 1, "A-M3": 1, "A-M4": 1} == {
        name: told.position.records for name, told in explained(paying).items() if name[2] == "M"
    }


def explained(hub: Hub) -> dict[str, Any]:
    """Each position of the window taken apart, and proved against its records."""
    found = {each.agreement_id: each.explain() for each in hub.positions(DAY)}
    assert all(told.holds for told in found.values())
    return found


def night(folder: str, store: str) -> None:
    """Take, close, plan and unwind, as a process that may be killed anywhere in it."""
    with opened(Path(folder), store) as hub:
        hub.take(records())
        hub.close_window(DAY)
        hub.plan(DAY)
        fail(hub)
        hub.plan(DAY)


def state(folder: Path, store: str) -> object:
    with opened(folder, store) as hub, hub.store.reading() as connection:
        known = positions(connection, DAY.isoformat())
        under = [records_under(position, lake=hub.lake) for position in known]
        return known, under, balances(connection), owed(hub), live(hub)


def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path) -> None:
    """SIGKILL while closing and unwinding, then run again: as if nobody had disturbed it."""
    calm, rough = (f"sqlite:///{tmp_path / name}.db" for name in ("calm", "rough"))
    night(str(tmp_path / "calm"), calm)
    chance = Random(20241218)
    for _ in range(4):
        with process("night", tmp_path / "rough", rough) as disturbed:
            assert disturbed.stdout is not None
            disturbed.stdout.readline()
            time.sleep(0.3 + chance.random() * 1.2)
            disturbed.kill()
    night(str(tmp_path / "rough"), rough)
    assert state(tmp_path / "calm", calm) == state(tmp_path / "rough", rough)


# ---- what stood before ----


def test_the_earlier_outcome_is_explained_and_proved_as_before(hub: Hub) -> None:
    """Its figures, its records and its proof are what they were; who unwound it is told."""
    stood = explained(hub)
    fail(hub)
    for name, then in stood.items():
        told = hub.explain(then.position.position_id, outcome=1)
        assert told.holds, name
        assert (then.buckets, then.taken, then.position) == (
            told.buckets, told.taken, told.position,
        )  # fmt: skip
        assert (1, told) == (told.position.outcome, told.position.explain())
    gone = stood["A-M2"].position
    assert 1 == records_under(gone, lake=hub.lake).num_rows
    with pytest.raises(BadInput, match="in an outcome 2 that was unwound"):
        hub.explain(gone.position_id, outcome=2)
    with pytest.raises(BadInput, match="no position is called"):
        hub.explain(gone.position_id)


def test_files_out_are_those_of_the_outcome_that_stands(hub: Hub, tmp_path: Path) -> None:
    """Written before and after, each set adds up; the second has the second's figures."""

    def written() -> tuple[str, int]:
        done = write_files(DAY, out=tmp_path / "out", store=hub.store, engine=hub.engine,
                           lake=hub.lake, rates=hub.rates)  # fmt: skip
        assert verify_files(tmp_path / "out") == []
        return done.batch_id, done.records

    first = written()
    fail(hub)
    second = written()
    assert (len(SOLD), len(SOLD) - 2) == (first[1], second[1])
    assert first[0] != second[0]


def test_who_has_nothing_any_more_has_no_files_of_what_it_had(tmp_path: Path) -> None:
    """A terminated agreement gets no files of zero: those of the former outcome go all the same."""
    path = settings(tmp_path, f"sqlite:///{tmp_path}/settle.db")
    ended = [{**row, "terminated_on": DAY if row["participant_id"] == "M2" else None}
             for row in agreements().to_pylist()]  # fmt: skip
    parquet.write_table(pa.Table.from_pylist(ended), tmp_path / "agreements.parquet")
    out = tmp_path / "out"
    with Hub.open(path, clock=lambda: AT) as hub:
        hub.take(records())
        hub.close_window(DAY)
        where: dict[str, Any] = {"store": hub.store, "engine": hub.engine, "lake": hub.lake}
        write_files(DAY, out=out, rates=hub.rates, **where)
        (out / "2024-12-18" / "ours").mkdir()
        fail(hub)
        batch = write_files(DAY, out=out, rates=hub.rates, **where).batch_id
    assert {batch} == {each.name.split("_")[-2] for each in out.rglob("*.csv")}
    assert ["A-M1", "A-M3", "A-M4", "ours"] == sorted(x.name for x in out.glob("2024-12-18/*"))


def test_what_was_told_of_funding_is_told_no_more(hub: Hub) -> None:
    """It funded obligations that are gone; the night run again tells it anew."""
    funding = Funding(planned_at=AT, reference="funding.toml", paid_from=(), no_account=())
    keep_funding(hub, DAY, funding)
    fail(hub, rehearse=True)
    assert funding == hub.report(DAY).funding
    fail(hub)
    assert hub.report(DAY).funding is None


def test_the_report_tells_the_outcome_that_stands(hub: Hub) -> None:
    """Its proofs hold, and what it counts is what was settled."""
    fail(hub)
    report = hub.report(DAY)
    (window,) = report.windows
    assert len(SOLD) - 2 == window.records
    assert all(proof.holds for proof in report.proofs if "client money" not in proof.name)


# ---- refused by name ----


def refused(hub: Hub, why: str, *names: str) -> None:
    before = rows(hub, journal)
    with pytest.raises(BadInput, match=why):
        fail(hub, *names)
    assert before == rows(hub, journal)


def test_a_later_window_on_top_of_it_forbids_it(hub: Hub, tmp_path: Path, store_url: str) -> None:
    """The next one has taken up what this one left, and would have to be other as well."""
    later = DAY + timedelta(days=1)
    with opened(tmp_path, store_url, at=Cutoff().ends_at(later)) as next_day:
        next_day.close_window(later)
        refused(next_day, r"2024-12-19 is closed on top of it\. Name 'P2' to the close of the next")


def test_a_window_that_is_open_is_closed_without_them_instead(hub: Hub) -> None:
    """It says how."""
    with pytest.raises(BadInput, match=r"2024-12-20 is not closed: .*--failed NAME"):
        hub.unwind(date(2024, 12, 20), failed=["P2"], actor="ada", reason="r")


def test_who_is_no_participant_is_refused(hub: Hub) -> None:
    """By name, with nothing changed."""
    refused(hub, "'P9' has no agreement", "P2", "P9")


def test_a_corrected_record_that_it_touches_forbids_it(hub: Hub) -> None:
    """The correction took back what the record was charged; of untouched ones it is none."""
    for name in ("M3/P2", "M1/P1"):
        hub.correct(f"{DAY}/{name}", replacement=None, reason="r", actor="bob")
    with hub.store.reading() as connection:
        assert 2 == len(corrections(connection))
    refused(hub, "record '2024-12-18/M1/P1' of agreement 'A-M1' was corrected since")
    assert fail(hub, "M4").is_done


def test_another_zone_than_it_was_closed_in_forbids_it(
    hub: Hub, store_url: str, tmp_path: Path
) -> None:
    """Its records would fall into other windows."""
    where = {"settle.zone": "Pacific/Kiritimati"}
    with Hub.open(tmp_path / "settle.toml", overrides=where, clock=lambda: AT) as other:
        refused(other, "its records do not fall into it as they did")


def test_a_file_that_is_not_what_it_was_forbids_it(hub: Hub) -> None:
    """What is netted anew is what was netted."""
    (path,) = (hub.lake / "accepted").glob("*.parquet")
    parquet.write_table(parquet.read_table(path), path, compression="none")
    refused(hub, "the accepted file of batch .* is not what it was")


def test_other_rates_than_it_was_closed_under_forbid_it(store_url: str, tmp_path: Path) -> None:
    """A rate that was mended since would pay everybody otherwise."""
    with opened(tmp_path, store_url) as hub:
        dollars = [{**row, "currency": "USD"} for row in records()]
        hub.take(dollars)
        hub.close_window(DAY)
        (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.0511\n")
        refused(hub, "'A-M1' had another rate of USD: put back the rates")


def test_a_window_of_an_older_way_of_converting_is_called_so(
    store_url: str, tmp_path: Path
) -> None:
    """Nobody is sent to look for rates that are the same."""
    with opened(tmp_path, store_url) as hub:
        hub.take([{**row, "currency": "USD"} for row in records()])
        hub.close_window(DAY)
        more = position_lines.c.converted_minor + 1
        with hub.store.transaction() as connection:
            connection.execute(sa.update(position_lines).values(converted_minor=more))
        refused(hub, "USD was converted otherwise at the same rate")
