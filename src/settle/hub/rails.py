"""The rails of a configuration: opened adapters, and senders while there is something to send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from settle.adapters import Adapter, Sender
from settle.adapters.registry import open_adapter
from settle.hub.config import Settings
from settle.payments import Rail

Adapters = Mapping[str, Adapter[Any]]


def open_adapters(settings: Settings) -> Adapters:
    """Every configured rail's adapter, by rail name, in the order of the file.

    Raises:
        ConfigError: a plug-in is not installed, or a setting of it is wrong.
    """
    return {
        name: open_adapter(section.plugin, section.plugin_settings, where=f"rails.{name}")
        for name, section in settings.rails.items()
    }


@asynccontextmanager
async def open_senders(adapters: Adapters) -> AsyncIterator[Mapping[str, Sender]]:
    """A sender for each rail, closed at the end."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                Sender(
                    adapter.endpoint,
                    connections=adapter.profile.limits.concurrency_max,
                    requests_per_second=adapter.profile.limits.requests_per_second,
                )
            )
            for name, adapter in adapters.items()
        }


@asynccontextmanager
async def open_rails(adapters: Adapters) -> AsyncIterator[Mapping[str, Rail]]:
    """Each rail with what sends to it."""
    async with open_senders(adapters) as senders:
        yield {name: Rail(adapter, senders[name]) for name, adapter in adapters.items()}
