"""A backup that has forgotten only what people said is noticed like one that forgot a payment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.hub.test_forgotten import open_hub
from tests.unit.payments.conftest import Desk

from settle.errors import BadInput, Restored
from settle.hub import Hub
from settle.payments import PEOPLE, Verdict
from settle.payments.claiming import claim
from settle.store import Watermark


def cancel(hub: Hub) -> object:
    return hub.cancel("P-00001", actor="ada", reason="the merchant is gone", frees=False)


def approve(hub: Hub) -> object:
    return hub.approve("P-00002", actor="ada")


WORDS: dict[str, Callable[[Hub], object]] = {"cancel": cancel, "approve": approve}


def prepare(hub: Hub) -> None:
    """One payment that may leave, and one that waits for a person."""
    desk = Desk(hub.store)
    desk.ready(desk.due)
    desk.plan(*desk.dues(2))
    hub.epoch.count()  # an earlier run that sent, as any store of some age has


@pytest.mark.parametrize("word", WORDS)
def test_a_backup_from_before_a_word_sends_nothing(tmp_path: Path, word: str) -> None:
    """Nothing was sent since, and yet the payment may not leave as if nobody had said it."""
    file, copy = tmp_path / "settle.db", tmp_path / "copy.db"
    with open_hub(tmp_path, f"sqlite:///{file}") as hub:
        prepare(hub)
    shutil.copyfile(file, copy)
    with open_hub(tmp_path, f"sqlite:///{file}") as hub:
        WORDS[word](hub)
        assert not hub.epoch.was_restored()
    shutil.copyfile(copy, file)
    with open_hub(tmp_path, f"sqlite:///{file}") as hub:
        assert hub.epoch.was_restored()
        with hub.store.transaction() as connection, pytest.raises(Restored, match="settle search"):
            claim(connection, [])
        hub.epoch.accept(actor="ada", at=hub.now())
        assert not hub.epoch.was_restored()


def test_a_word_keeps_no_search_waiting(tmp_path: Path) -> None:
    """It is nothing that a process of the old store may still send."""
    watermark = Watermark(tmp_path)
    watermark.reach("s", PEOPLE, 1)
    assert watermark.last_told_at("s", but=PEOPLE) is None
    watermark.reach("s", "night", 1)
    assert watermark.last_told_at("s", but=PEOPLE) is not None


def test_a_word_is_counted_once_it_is_kept_and_a_refused_one_is_none(
    tmp_path: Path, store_url: str
) -> None:
    """On both databases, whoever runs a night at the same time."""
    with open_hub(tmp_path, store_url) as hub:
        prepare(hub)
        approve(hub)
        with pytest.raises(BadInput):
            hub.decide("P-00001", Verdict.EXECUTED, actor="ada", why="nobody asked")
        cancel(hub)
        reached = hub.store.watermark.reached(hub.epoch.store_id)
        assert 2 == reached[PEOPLE]
        assert not hub.epoch.was_restored()
