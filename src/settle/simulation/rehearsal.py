"""A night's folder played against its rails' simulators, on this machine alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from settle.errors import ConfigError
from settle.hub.config import Config, RailSection, load
from settle.simulation.client import RunningWorld, start_world
from settle.simulation.description import RailDescription, WorldDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A world that answers for the rails of a configuration.

    `config_path` is a configuration turned towards it: rails on loopback, and store, lake and
    reports in the rehearsal's own folder.
    """

    config_path: Path
    config: Config
    world: RunningWorld

    def begin(self, day: date) -> None:
        """Set the world's clock to the night of a business day."""
        self.world.set_clock(self.config.night_instant(day))

    def executed(self) -> tuple[int, int]:
        """How many payments the rails truly executed, and how many of them more than once."""
        truth = self.world.executions()
        return truth["executed"], truth["executed_more_than_once"]


@contextmanager
def rehearse(night: Path, folder: Path, *, store: str | None = None) -> Iterator[Rehearsal]:
    """Simulate the rails of `night`, a `settle.toml` or its folder, while the context lasts.

    `folder` keeps what outlives it: a `settle.toml` of its own, the rails' memory, the store,
    the lake and the reports. Beside the configuration may stand `bank-lines.csv` (what others
    do on our accounts) and `faults.json`. Credentials that the environment lacks are made up.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    original = load(night / "settle.toml" if night.is_dir() else night)
    days = original.record_days()
    if not days:
        raise ConfigError(f"{night}: no file of records is named as clearing.records says")
    description = WorldDescription(
        memory=folder / "world",
        now=original.night_instant(days[0]),
        rails={name: _rail(section) for name, section in original.settings.rails.items()},
        outside=_if_there(original.folder / "bank-lines.csv"),
        faults=_if_there(original.folder / "faults.json"),
    )
    with start_world(description) as world:
        config_path = folder / "settle.toml"
        config_path.write_text(_turned(original, world, store=store), "utf-8")
        yield Rehearsal(config_path=config_path, config=load(config_path), world=world)


def _turned(config: Config, world: RunningWorld, *, store: str | None) -> str:
    clearing = config.settings.clearing
    lines = [
        f"extends = {_quoted(config.file)}",
        "[settle]",
        f"store = {_quoted(store or 'sqlite:///settle.db')}",
        'lake = "lake"',
        'reports = "reports"',
        "[clearing]",
        f"agreements = {_quoted(config.path(clearing.agreements))}",
        f"rates = {_quoted(config.path(clearing.rates))}",
        f"records = [{', '.join(_quoted(config.path(name)) for name in clearing.records)}]",
    ]
    lines += [
        f"{key} = {_quoted(config.path(file))}"
        for key in ("fees", "caps", "funding")
        if (file := getattr(clearing, key)) is not None
    ]
    for name, url in world.base_urls.items():
        lines += [f"[rails.{name}]", f"base_url = {_quoted(url)}"]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    return json.dumps(str(value))  # a JSON string is a TOML string


def _rail(section: RailSection) -> RailDescription:
    settings = section.plugin_settings
    return RailDescription(
        simulator=section.plugin,
        accounts=settings["accounts"],
        secrets={key: _secret(value) for key, value in settings.items() if isinstance(value, str)},
    )


def _secret(setting: Any) -> str:
    scheme, _, name = str(setting).partition(":")
    if scheme != "env":
        return str(setting)
    return os.environ.setdefault(name, secrets.token_hex(32))


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
