"""Public names that load what they need when they are first used.

A package that says where its names are found is light to import: a command loads the part of it
that it uses, and no database, engine or network client that it does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(
    package: str, found_in: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names are found in modules.

    `found_in`: name to module, or to `module:name` where it has another name there. No name may
    be that of a submodule, which would stand in its place once it is imported.
    """

    def getattr_(name: str) -> Any:
        if name not in found_in:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = found_in[name].partition(":")
        found = getattr(import_module(module), attribute or name)
        setattr(sys.modules[package], name, found)
        return found

    def dir_() -> list[str]:
        return sorted({*vars(sys.modules[package]), *found_in})

    return getattr_, dir_
