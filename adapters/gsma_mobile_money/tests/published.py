"""The published specification and official cases, where they are: data to judge by, not ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4] / "shared" / "data" / "gsma_mmapi" / "src"
SEEDERS = ROOT / "database" / "seeders"
CASES = SEEDERS / "test-cases"
SPEC = SEEDERS / "openapis" / "mm.yaml"
KINDS: Mapping[str, tuple[type, ...]] = {
    "array": (list,), "boolean": (bool,), "number": (int, float), "integer": (int,),
    "object": (dict,), "string": (str,),
}  # fmt: skip

absent = pytest.mark.skipif(not SPEC.is_file(), reason="the published specification is absent")


def loaded(path: Path) -> Any:
    """One YAML document."""
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def spec() -> Any:
    """The specification, read once."""
    return loaded(SPEC)


def against(name: str, value: Any) -> list[str]:
    """Where a value breaks the published schema of this name."""
    return list(_misfits(value, {"$ref": f"#/components/schemas/{name}"}, name))


def _misfits(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _misfits(value, spec()["components"]["schemas"][name], at)
        return
    for each in schema.get("allOf", ()):
        yield from _misfits(value, each, at)
    kind = schema.get("type")
    if kind is not None and not isinstance(value, KINDS[kind]):
        yield f"{at}: {value!r} is no {kind}"
    elif isinstance(value, str):
        yield from _misfits_of_text(value, schema, at)
    else:
        yield from _misfits_of_parts(value, schema, at)


def _misfits_of_parts(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at}.{x} is required" for x in schema.get("required", ()) if x not in value)
        for name, item in value.items():
            if name in schema.get("properties", {}):
                yield from _misfits(item, schema["properties"][name], f"{at}.{name}")
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9):
            yield f"{at}: {len(value)} items"
        for number, item in enumerate(value):
            yield from _misfits(item, schema.get("items", {}), f"{at}[{number}]")


def _misfits_of_text(value: str, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if value not in schema.get("enum", [value]):
        yield f"{at}: {value} is not in the enumeration"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6):
        yield f"{at}: {value} has a wrong length"
    if "pattern" in schema and not re.search(schema["pattern"], value, re.ASCII):
        yield f"{at}: {value} breaks the pattern"
