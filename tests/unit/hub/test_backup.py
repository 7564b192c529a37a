"""A backup is whole or refused, and a store made of one releases nothing until it was searched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.databases import Databases

from settle.errors import BadInput, Restored
from settle.hub import Hub
from settle.hub.backup import put_back
from settle.hub.config import Config, load
from settle.ledger import Posting, post
from settle.ledger.tables import journal
from settle.payments import Verdict
from settle.payments.tables import epochs

DAY = date(2024, 12, 18)
NOW = datetime(2024, 12, 20, 8, tzinfo=UTC)
KEY = "env:SETTLE_TEST_BACKUP_KEY"
NewUrl = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewUrl]:
    """Makes URLs of new, empty databases of one kind, on each database in turn."""
    if request.param == "sqlite":
        names = iter(f"sqlite:///{tmp_path / f'store-{n}.db'}" for n in range(9))
        yield lambda: next(names)
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    made: list[str] = []

    def make() -> str:
        made.append(databases.bare())
        return made[-1]

    yield make
    for url in made:
        databases.take_back(url)


def config_of(folder: Path, url: str) -> Config:
    """A configuration of its own on a store; all share one lake."""
    path = folder / "settle.toml"
    path.write_text(
        f'[settle]\ntenant = "t"\nstore = "{url}"\n[clearing]\nagreements = "a.csv"\n'
        f'rates = "r.csv"\n[audit]\nkey = "{KEY}"\n'
    )
    return load(path)


def write(hub: Hub, amount_minor: int) -> None:
    posting = Posting(
        event="test", subject="s", row=str(amount_minor), posted_on=DAY, debit="clearing",
        credit="own_funds", currency="EUR", amount_minor=amount_minor,
    )  # fmt: skip
    with hub.store.transaction() as connection:
        post(connection, [posting], recorded_at=NOW)


def amounts(hub: Hub) -> list[int]:
    with hub.store.reading() as connection:
        return sorted(connection.execute(sa.select(journal.c.amount_minor)).scalars())


@pytest.fixture
def backed_up(tmp_path: Path, new_url: NewUrl, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sealed store of three postings with a lake of one file, and its backup."""
    monkeypatch.setenv("SETTLE_TEST_BACKUP_KEY", "k" * 32)
    (tmp_path / "lake" / "accepted").mkdir(parents=True)
    (tmp_path / "lake" / "accepted" / "b.parquet").write_bytes(b"records")
    with Hub.open(config_of(tmp_path, new_url()).file) as hub:
        for amount in (1, 2, 3):
            write(hub, amount)
        hub.seal()
        hub.back_up(tmp_path / "backup")
        write(hub, 4)
    return tmp_path / "backup"


def restored(folder: Path, url: str) -> Hub:
    config = config_of(folder, url)
    put_back(config, folder / "backup", at=NOW)
    return Hub.open(config.file)


def test_what_was_backed_up_is_put_back_and_the_chain_holds(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """All of that moment, and nothing of what came later."""
    told = json.loads((backed_up / "manifest.json").read_text())
    with restored(tmp_path, new_url()) as hub:
        assert [1, 2, 3] == amounts(hub)
        found = hub.audit()
        assert (True, told["head"]) == (found.is_sound, str(found.head))


def test_a_store_that_was_put_back_releases_nothing_until_it_was_searched(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """On a new machine nothing else remembers what has left since: the store says so itself."""
    with restored(tmp_path, new_url()) as hub:
        with pytest.raises(Restored, match="settle search"):
            hub.pay(DAY)
        with pytest.raises(BadInput, match="settle search"):
            hub.resume(actor="alice")
    assert backed_up.exists()


def test_nobody_decides_in_a_store_that_was_put_back_before_it_may_go_on(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """What it has forgotten may be the proof."""
    with restored(tmp_path, new_url()) as hub, pytest.raises(Restored, match="decided"):
        hub.decide("P-1", Verdict.NOT_EXECUTED, actor="alice", why="the bank says so")
    assert backed_up.exists()


def test_heads_sealed_since_the_backup_are_missed_until_somebody_lets_the_store_go_on(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """They were sealed, and are not in this chain: true, and accounted for by a person."""
    with Hub.open(tmp_path / "settle.toml") as hub:
        hub.seal()
        assert hub.audit().is_sound
    with restored(tmp_path, new_url()) as hub:
        assert ["cut off"] == [flaw.wrong for flaw in hub.audit().flaws]
        hub.seal()
        assert ["cut off"] == [flaw.wrong for flaw in hub.audit().flaws]
        hub.epoch.end_search(at=NOW)
        hub.resume(actor="alice")
        assert hub.audit().is_sound
    assert backed_up.exists()


def told(hub: Hub, *, ago: timedelta) -> None:
    """A process of the old store was about to send, so long ago."""
    assert hub.epoch.was_restored()
    with hub.store.reading() as connection:
        store_id = str(connection.scalar(sa.select(epochs.c.store_id)))
    hub.store.watermark.reach(store_id, "night", 7)
    then = (datetime.now(UTC) - ago).timestamp()
    for path in (hub.lake / "epochs").iterdir():
        os.utime(path, (then, then))


@pytest.mark.parametrize(("minutes", "may"), [(14, False), (16, True)])
def test_nothing_is_searched_while_a_process_of_the_old_store_may_still_send(
    backed_up: Path, tmp_path: Path, new_url: NewUrl, *, minutes: int, may: bool
) -> None:
    """What leaves after it was asked about is paid a second time."""
    assert backed_up.exists()
    with restored(tmp_path, new_url()) as hub:
        told(hub, ago=timedelta(minutes=minutes))
        if may:
            hub.epoch.refuse_early(at=hub.now())
            return
        with pytest.raises(BadInput, match="may still send until"):
            hub.search()


@pytest.mark.parametrize("later", [False, True], ids=["quiet", "sent since"])
def test_a_search_counts_only_if_the_old_store_was_quiet_before_and_since(
    backed_up: Path, tmp_path: Path, new_url: NewUrl, *, later: bool
) -> None:
    """Somebody let the old process run on: it is searched again."""
    assert backed_up.exists()
    with restored(tmp_path, new_url()) as hub:
        told(hub, ago=timedelta(hours=1 if later else 3))
        hub.epoch.begin_search(at=hub.now())
        hub.epoch.end_search(at=hub.now() - timedelta(hours=2))
        if not later:
            assert 0 == hub.resume(actor="alice")
            return
        with pytest.raises(BadInput, match="search after that"):
            hub.resume(actor="alice")


def test_a_store_that_is_there_is_never_written_over(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """Whoever means it moves it away first."""
    url = new_url()
    restored(tmp_path, url).close()
    with pytest.raises(BadInput, match=r"exists; move it away|has tables"):
        restored(tmp_path, url)
    with Hub.open(config_of(tmp_path, url).file) as hub, pytest.raises(BadInput, match="exists"):
        hub.back_up(backed_up)


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_backup_is_refused_by_file(
    backed_up: Path, tmp_path: Path, new_url: NewUrl, damage: str
) -> None:
    """One other bit in any file of it is found before anything is written."""
    (victim, *_) = sorted((backed_up / "store").iterdir(), key=lambda path: -path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "missing":
        victim.unlink()
    else:
        victim.write_bytes(content if damage == "changed" else content[:-1])
    with pytest.raises(BadInput, match=victim.name):
        restored(tmp_path, new_url())


def test_a_lake_without_the_files_of_a_backup_is_refused(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """A store without its records could not be explained any more."""
    shutil.rmtree(tmp_path / "lake" / "accepted")
    with pytest.raises(BadInput, match=r"accepted/b\.parquet"):
        restored(tmp_path, new_url())
    assert backed_up.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": "9999"}, "not signed by the key"),
        ({"format": 2}, "format 2 is not known"),
        ({"store": [["../../etc/passwd", 1, "x"]]}, "is damaged"),
        ({"taken_at": "yesterday"}, "is damaged"),
    ],
)
def test_a_manifest_that_was_touched_is_refused(
    backed_up: Path, tmp_path: Path, new_url: NewUrl, changes: dict[str, Any], why: str
) -> None:
    """It is signed with the key of the audit, and says nothing that leads out of its folder."""
    path = backed_up / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(BadInput, match=why):
        restored(tmp_path, new_url())


def test_a_backup_of_a_newer_library_is_refused(
    backed_up: Path, tmp_path: Path, new_url: NewUrl
) -> None:
    """An older one does not know what it would leave out."""
    path = backed_up / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": "9999"}))
    config = config_of(tmp_path, new_url())
    config.file.write_text(config.file.read_text().partition("[audit]")[0])
    with pytest.raises(BadInput, match="of a newer settle"):
        put_back(load(config.file), backed_up, at=NOW)


def test_what_is_no_backup_is_refused(tmp_path: Path, new_url: NewUrl) -> None:
    """The message names the file."""
    with pytest.raises(BadInput, match=r"manifest\.json"):
        put_back(config_of(tmp_path, new_url()), tmp_path, at=NOW)
