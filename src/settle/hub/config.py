"""`settle.toml`: read once, checked whole, and every mistake named with its key and the fix."""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from settle.adapters import Secret
from settle.errors import BadInput, ConfigError
from settle.hub.control_settings import ApprovalSettings, ControlsSettings
from settle.hub.routing import RoutingSettings
from settle.hub.screening_settings import ScreeningSettings
from settle.payments.returns import Bearer, ReturnPolicy
from settle.store import Vault

_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _zone(name: object) -> object:
    if not isinstance(name, str):
        return name
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; give one such as 'Asia/Shanghai'") from None


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class NightClock(StrEnum):
    """What time a night believes it is. `night` is for rehearsals and for nights long past."""

    REAL = "real"
    NIGHT = "night"


class HouseSettings(_Section):
    """`[settle]`: who we are, where our files are, and when our day ends.

    A business day runs from midnight to midnight in `zone`; the night of a day starts at
    `night_at`, in UTC, once that day is over in `zone`. With `clock = "night"` a night takes
    place at that instant whenever it is run. Paths are relative to the file.
    """

    tenant: str = Field(min_length=1, max_length=64)
    zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZoneInfo("Asia/Shanghai")
    night_at: time = time(16, 30)
    clock: NightClock = NightClock.REAL
    store: str = "sqlite:///settle.db"
    lake: Path = Path("lake")
    reports: Path = Path("reports")


class ClearingSettings(_Section):
    """`[clearing]`: what each night reads. `{date}` in `records` stands for the night's day.

    `records` is one pattern of file names or a list of them. `fees` are the schedules that
    agreements name, `caps` the net debits at which records are held, `funding` says which account
    pays what where. An id is known again for `horizon_days`. `memory` is what the engine may use,
    such as "4GB", before it spills to disk.
    """

    agreements: Path
    rates: Path
    fees: Path | None = None
    caps: Path | None = None
    funding: Path | None = None
    horizon_days: int = Field(default=400, ge=1, le=3660)
    memory: str = Field(default="", pattern=r"^(\d+(\.\d+)? ?[KMGT]i?B)?$")
    records: Annotated[Sequence[str], BeforeValidator(_listed)] = ()


class ReturnsSettings(_Section):
    """`[returns]`: who bears what a payment that comes back is short of.

    `charges`: OUR, the hub; BEN, the payee; SHA, the hub what `own_banks` (BICs) kept and the
    payee what the others kept. `fx`: who bears what the rate took on the way back.
    """

    charges: Bearer = Bearer.OUR
    own_banks: frozenset[Annotated[str, Field(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")]] = (
        frozenset()
    )
    fx: Literal["hub", "payee"] = "hub"

    def policy(self) -> ReturnPolicy:
        """The policy as payments take it."""
        return ReturnPolicy(
            charges=self.charges, own_banks=self.own_banks, fx_by_payee=self.fx == "payee"
        )


class AuditSettings(_Section):
    """`[audit]`: the key that signs the heads of blocks, as `env:NAME` or `file:PATH`.

    Without one, blocks are chained and not signed.
    """

    key: str | None = Field(default=None, pattern=r"^(env|file):.+")


class ExchangesSettings(_Section):
    """`[exchanges]`: the keys that exchanges are kept under, each as `env:NAME` or `file:PATH`.

    The first encrypts, all of them open. Without one, exchanges are kept in plain.
    """

    keys: tuple[Annotated[str, Field(pattern=r"^(env|file):.+")], ...] = ()

    def vault(self) -> Vault:
        """The keys, fetched when they are first needed."""
        return Vault([Secret(given).reveal for given in self.keys])


class RetentionSettings(_Section):
    """`[retention]`: how long the contents of exchanges are kept once their payments have ended.

    Without a number of days they are kept for good.
    """

    exchanges_days: int | None = Field(default=None, ge=1, le=36600)


class RailSection(_Section):
    """`[rails.NAME]`: the plug-in's name; the rest is the plug-in's own section.

    `cut_off`: the local time, in the platform's zone, at which a night stops sending over the rail.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    plugin: str
    cut_off: time | None = None

    @property
    def plugin_settings(self) -> dict[str, Any]:
        """What the plug-in itself declares and checks."""
        return dict(self.model_extra or {})


class Settings(_Section):
    """All of `settle.toml`."""

    settle: HouseSettings
    clearing: ClearingSettings
    approval: ApprovalSettings = ApprovalSettings()
    controls: ControlsSettings = ControlsSettings()
    audit: AuditSettings = AuditSettings()
    routing: RoutingSettings = RoutingSettings()
    screening: ScreeningSettings = ScreeningSettings()
    exchanges: ExchangesSettings = ExchangesSettings()
    retention: RetentionSettings = RetentionSettings()
    returns: ReturnsSettings = ReturnsSettings()
    rails: Mapping[str, RailSection] = Field(default_factory=dict)


class Config(_Section):
    """The settings, and the file they are from; paths are relative to its folder."""

    settings: Settings
    file: Path

    @property
    def folder(self) -> Path:
        """Where the file stands."""
        return self.file.parent

    def path(self, relative: Path | str) -> Path:
        """A path of the settings as one that opens from anywhere."""
        return self.folder / relative

    @property
    def store_url(self) -> str:
        """The store's URL, a relative SQLite file made absolute."""
        url = self.settings.settle.store
        head, separator, file = url.partition("sqlite:///")
        if separator and not head and not Path(file).is_absolute():
            return f"sqlite:///{self.path(file).resolve()}"
        return url

    def night_instant(self, day: date) -> datetime:
        """When the night of a business day starts: at `night_at`, once the day is over here."""
        if day.year == date.max.year:
            raise BadInput(f"there is no night of {day}", field="date")
        house = self.settings.settle
        over = datetime.combine(day + timedelta(days=1), time(), tzinfo=house.zone).astimezone(UTC)
        at = datetime.combine(over.date(), house.night_at, tzinfo=UTC)
        return at if at >= over else at + timedelta(days=1)

    def cut_offs(self, now: datetime) -> dict[str, datetime]:
        """By rail that has one: its next cut-off after `now`, in UTC."""
        zone = self.settings.settle.zone
        today = now.astimezone(zone).date()
        found = {}
        for name, section in self.settings.rails.items():
            if section.cut_off is not None:
                days = (today + timedelta(days=nth) for nth in (0, 1))
                at = (datetime.combine(day, section.cut_off, tzinfo=zone) for day in days)
                found[name] = next(each for each in at if each > now).astimezone(UTC)
        return found

    def record_files(self, day: date) -> list[Path]:
        """The files of records that this day's night takes, sorted by name."""
        found: list[Path] = []
        for pattern in self.settings.clearing.records:
            found += self._matching(pattern.replace("{date}", day.isoformat()))
        return found

    def record_days(self) -> list[date]:
        """The days for which there are files of records, in order."""
        days: set[date] = set()
        for pattern in self.settings.clearing.records:
            name = Path(pattern).name
            for path in self._matching(pattern.replace("{date}", "????-??-??")):
                text = path.name[len(name.partition("{date}")[0]) :][:10]
                days |= _days_in(text)
        return sorted(days)

    def _matching(self, pattern: str) -> list[Path]:
        if not Path(pattern).is_absolute():
            pattern = str(Path(glob.escape(str(self.folder))) / pattern)
        return [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207


def _days_in(text: str) -> set[date]:
    try:
        return {date.fromisoformat(text)} if _ISO_DAY.fullmatch(text) else set()
    except ValueError:
        return set()  # there is no 30 February, and no night of it


def load(path: Path, *, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read and check `settle.toml`. `overrides` replaces values by dotted key.

    A first line `extends = "FILE"` takes that file's settings where this one is silent; all
    paths are relative to this one.

    Raises:
        ConfigError: the file cannot be read, or a key is wrong, missing or unknown.
    """
    content = _read(path)
    for key, value in (overrides or {}).items():
        _place(path, content, key.split("."), value)
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise _named(path, error) from None
    _check(path, settings)
    return Config(settings=settings, file=path.resolve())


def _read(path: Path, *, under: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in under:
        raise ConfigError(f"{path}: extends: the file extends itself", key="extends")
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give --config FILE", key=str(path)) from None
    except (ValueError, RecursionError) as error:  # a date there is none of, a thousand brackets
        raise ConfigError(f"{path}: not TOML: {error}", key=str(path)) from None
    extended = content.pop("extends", None)
    if extended is None:
        return content
    return _merged(_read(path.parent / str(extended), under=(*under, path.resolve())), content)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        below = under.get(key)
        tables = isinstance(below, dict) and isinstance(value, dict)
        under[key] = _merged(dict(below or {}), value) if tables else value
    return under


def _place(path: Path, content: dict[str, Any], keys: list[str], value: object) -> None:
    *outer, last = keys
    for key in outer:
        content = content.setdefault(key, {})
        if not isinstance(content, dict):
            place = ".".join(outer[: outer.index(key) + 1])
            raise ConfigError(f"{path}: {place}: is a value, and has no keys below it", key=place)
    content[last] = value


def _named(path: Path, error: ValidationError) -> ConfigError:
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    fixes = {
        "extra_forbidden": "no such key; remove it or correct its name",
        "missing": "is missing; add it",
    }
    fix = fixes.get(first["type"], first["msg"])
    return ConfigError(f"{path}: {key}: {fix}", key=key)


def _check(path: Path, settings: Settings) -> None:
    complaints = (
        *settings.approval.complaints(),
        *settings.controls.complaints(settings.rails.keys()),
    )
    for key, why in complaints:
        raise ConfigError(f"{path}: {key}: {why}", key=key)
    settings.routing.check(settings.rails, file=path)
