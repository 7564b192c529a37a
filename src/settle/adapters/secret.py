"""A secret by reference, opened where it is used and shown nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from settle.errors import ConfigError


class Secret:
    """A secret by reference: `env:NAME`, `file:PATH` or a callable. This never prints its value."""

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str]) -> None:
        if isinstance(source, str) and source.partition(":")[0] not in ("env", "file"):
            raise ConfigError("a secret is given as 'env:NAME' or 'file:PATH', never in clear")
        self._source = source

    def reveal(self) -> str:
        """The value, fetched now. This is for the sender and for verifying signatures only.

        Raises:
            ConfigError: the variable is not set, the file cannot be read, or the callable failed.
        """
        if callable(self._source):
            return _called(self._source)
        scheme, _, where = self._source.partition(":")
        if scheme == "env":
            if where not in os.environ:
                raise ConfigError(f"the environment variable {where} is not set", key=where)
            return os.environ[where]
        return _read(Path(where))

    def __repr__(self) -> str:
        return "Secret(…)"


def _called(source: Callable[[], str]) -> str:
    # Raised past the handler: what failed may quote the secret, and would stay as the context.
    try:
        value: object = source()
    except Exception as error:  # noqa: BLE001  # whatever a vault's client raises
        value, failed = None, type(error).__name__
    else:
        failed = f"it returned {type(value).__name__}"
    if not isinstance(value, str):
        raise ConfigError(f"a secret's callable gave no text: {failed}")
    return value


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        failed = error.strerror
    except UnicodeError:
        failed = "it is not UTF-8"
    raise ConfigError(f"the secret's file cannot be read: {failed}")
