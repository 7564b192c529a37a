"""A world, described as data: its rails, their accounts, what others do, and what goes wrong."""

from __future__ import annotations

import csv
import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from settle.adapters.simulator import OutsideLine
from settle.errors import BadInput, ConfigError

Port = Annotated[int, Field(ge=0, le=65535)]


class RailDescription(BaseModel):
    """One rail: which plug-in simulates it, our accounts there, the credentials it asks for.

    `simulator` is an installed plug-in's name, or `module:attribute`. `secrets` are the
    simulator's own, made up, and stand in clear. Port 0 chooses one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    simulator: str
    accounts: dict[str, str]
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    port: Port = 0


class WorldDescription(BaseModel):
    """A whole world. This is read from TOML or JSON, or made by whoever starts the world.

    `now` is the world's time until it is set; `memory` is the folder that survives it; `outside`
    is a CSV of movements others cause, `faults` a JSON list of fault rules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory: Path
    now: AwareDatetime
    rails: dict[str, RailDescription]
    outside: Path | None = None
    faults: Path | None = None
    control_port: Port = 0


def read_world(path: Path) -> WorldDescription:
    """The description in a TOML or JSON file; its paths are relative to the file's folder.

    Raises:
        ConfigError: the file cannot be read, or a key does not fit; names the key.
    """
    try:
        raw = path.read_text()
        content: dict[str, Any] = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} cannot be read: {type(error).__name__}") from None
    for key in ("memory", "outside", "faults"):
        if isinstance(content.get(key), str):
            content[key] = path.parent / content[key]
    return _parse(content, where=path.name)


def read_line(line: bytes) -> WorldDescription:
    """The description in one line of JSON, as a parent process gives it. Paths are absolute.

    Raises:
        ConfigError: it is not JSON, or a key does not fit; names the key.
    """
    try:
        return _parse(json.loads(line), where="stdin")
    except ValueError:
        raise ConfigError("stdin: the first line is not a description in JSON") from None


def _parse(content: Mapping[str, Any], *, where: str) -> WorldDescription:
    try:
        return WorldDescription.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{where}: {key}: {first['msg']}", key=key) from None


def read_outside(path: Path) -> Mapping[str, Sequence[OutsideLine]]:
    """What others put on our accounts, by rail, in the file's order.

    Columns: rail, day, currency, amount_minor, reference, counterparty.

    Raises:
        BadInput: a row does not fit; names file, line and why.
    """
    lines: dict[str, list[OutsideLine]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                lines[row["rail"]].append(_outside_line(row))
            except (KeyError, TypeError, ValueError) as error:
                raise BadInput(f"{path.name}: line {rows.line_num}: {_why(error)}") from None
    return lines


def _outside_line(row: Mapping[str, str]) -> OutsideLine:
    return OutsideLine(
        day=date.fromisoformat(row["day"]),
        currency=row["currency"],
        amount_minor=int(row["amount_minor"]),
        reference=row["reference"],
        counterparty=row["counterparty"],
    )


def _why(error: Exception) -> str:
    return f"the column {error} is missing" if isinstance(error, KeyError) else str(error)
