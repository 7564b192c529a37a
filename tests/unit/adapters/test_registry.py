"""Plug-ins are opened as they are installed, and given only settings that they go by."""

from __future__ import annotations

from pathlib import Path

import pytest

from settle.adapters.registry import open_adapter
from settle.errors import ConfigError

PLUGIN = """
from settle.adapters import Adapter, RailSettings

class Older(Adapter[RailSettings]):
    settings_type = RailSettings

class Newer(Older):
    names_account = True
"""
POINTS = "[settle.adapters]\nolder = lark_plugin:Older\nnewer = lark_plugin:Newer\n"
SETTINGS = {"base_url": "https://lark.example", "accounts": {"SGD": "A-1"}}
FURTHER = {**SETTINGS, "further_accounts": {"SGD": ["A-2"]}}


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = tmp_path / "lark_plugin-1.0.dist-info"
    described.mkdir()
    (tmp_path / "lark_plugin.py").write_text(PLUGIN, encoding="utf-8")
    (described / "METADATA").write_text("Name: lark_plugin\nVersion: 1.0\n", encoding="utf-8")
    (described / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def test_a_plug_in_that_reads_no_account_is_given_no_further_ones() -> None:
    """It would pay from the first whatever is named; the key and the fix are told."""
    with pytest.raises(ConfigError, match="older does not read the account of a payment") as said:
        open_adapter("older", FURTHER, where="rails.lark")
    assert "rails.lark.further_accounts" == said.value.key
    assert "names_account" in said.value.message


def test_a_plug_in_that_names_the_account_is_given_them() -> None:
    """Without further ones, every plug-in opens."""
    newer = open_adapter("newer", FURTHER, where="rails.lark")
    assert {"SGD": ("A-2",)} == newer.settings.further_accounts
    assert {} == open_adapter("older", SETTINGS, where="rails.lark").settings.further_accounts
