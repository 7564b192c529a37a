"""A night's last step seals what it wrote, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from settle import nightly
from settle.errors import ConfigError
from settle.hub import Hub, Named
from settle.ledger import Posting, post
from settle.store import exclusive

DAY = date(2024, 12, 18)
KEY = "env:SETTLE_TEST_SEAL_KEY"


@contextmanager
def opened(folder: Path, *, key: str | None) -> Iterator[Hub]:
    """A hub on a store of its own, with one more posting than it had."""
    path = folder / "settle.toml"
    path.write_text(
        '[settle]\ntenant = "t"\n[clearing]\nagreements = "a.csv"\nrates = "r.csv"\n'
        + (f'[audit]\nkey = "{key}"\n' if key else "")
    )
    with Hub.open(path) as hub:
        with hub.store.reading() as connection:
            row = str(connection.exec_driver_sql("select count(*) from journal").scalar())
        posting = Posting(
            event="test", subject="s", row=row, posted_on=DAY, debit="clearing",
            credit="own_funds", currency="EUR", amount_minor=1,
        )  # fmt: skip
        with hub.store.transaction() as connection:
            post(connection, [posting], recorded_at=datetime(2024, 12, 18, 17, tzinfo=UTC))
        yield hub


def sealed(hub: Hub) -> str:
    steps = nightly._Steps(hub=hub, day=DAY, records=(), named=Named(), show=nightly.Silent())
    return steps.seal()


def test_a_night_seals_as_its_last_step_and_prints_the_head(tmp_path: Path) -> None:
    """The head leaves the machine with the log of the scheduler."""
    with opened(tmp_path, key=None) as hub:
        assert sealed(hub).startswith("1 entry in 1 block, head 1:")
        again = sealed(hub)
        assert again == f"0 entries in 0 blocks, head {hub.audit().head}"


def test_a_night_that_lost_its_key_says_so_in_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the night stands, and with the key again it is over."""
    monkeypatch.setenv("SETTLE_TEST_SEAL_KEY", "k" * 32)
    with opened(tmp_path, key=KEY) as hub:
        sealed(hub)
        assert hub.audit().is_sound
    with opened(tmp_path, key=None) as hub:
        assert sealed(hub).startswith("nothing: ")
        assert any("audit.key" in line for line in hub.nights.refused(DAY))
    with opened(tmp_path, key=KEY) as hub:
        assert sealed(hub).startswith("2 entries")
        assert [] == hub.nights.refused(DAY)
        assert hub.audit().is_sound


def test_a_key_that_is_not_there_stops_a_night_before_it_begins(tmp_path: Path) -> None:
    """Nothing is stored by a night that could not end."""
    with (
        opened(tmp_path, key="env:SETTLE_NO_SUCH_KEY") as hub,
        pytest.raises(ConfigError, match="SETTLE_NO_SUCH_KEY"),
        hub.night(DAY),
    ):
        pass


def test_a_sealing_under_way_elsewhere_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night does not fail because somebody seals by hand."""
    monkeypatch.setattr("settle.ledger.sealer.exclusive", partial(exclusive, patience_s=0.0))
    with opened(tmp_path, key=None) as hub, exclusive(hub.store, "sealing"):
        assert "nothing: another process seals just now" == sealed(hub)
