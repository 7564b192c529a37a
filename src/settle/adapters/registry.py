"""Which plug-ins are installed: found through the entry-point group `settle.adapters`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from settle.adapters.adapter import Adapter, RailSettings
from settle.errors import ConfigError

GROUP = "settle.adapters"


def installed() -> Mapping[str, type[Adapter[Any]]]:
    """Every installed plug-in's adapter class, by rail name."""
    return {point.name: point.load() for point in sorted(entry_points(group=GROUP))}


def open_adapter(kind: str, settings: Mapping[str, Any], *, where: str) -> Adapter[Any]:
    """The adapter of one rail with its settings. `where` names the config section.

    Raises:
        ConfigError: no such plug-in, or a setting does not fit, or accounts are named that the
            plug-in would not pay from; names the key and the fix.
    """
    plugins = installed()
    if kind not in plugins:
        raise ConfigError(
            f"{where}: no plug-in {kind!r} is installed; installed are {', '.join(plugins)}"
        )
    plugin = plugins[kind]
    try:
        parsed: RailSettings = plugin.settings_type.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join([where, *map(str, first["loc"])])
        raise ConfigError(f"{key}: {first['msg']}", key=key) from None
    if any(parsed.further_accounts.values()) and not plugin.names_account:
        key = f"{where}.further_accounts"
        raise ConfigError(
            f"{key}: {kind} does not read the account of a payment, and would pay from another;"
            " remove them, or have the plug-in pay from settings.payer and say names_account",
            key=key,
        )
    return plugin(parsed)
