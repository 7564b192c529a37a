"""What goes wrong between an adapter and its rail, as data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from settle.adapters.simulator import Memory
from settle.errors import ConfigError


class Fault(StrEnum):
    """What happens to one request. The comment says whether the rail sees it."""

    LOSE_REQUEST = "lose_request"  # not forwarded; the connection closes
    LOSE_ANSWER = "lose_answer"  # forwarded and answered; the answer is lost
    HALF_ANSWER = "half_answer"  # forwarded; the connection closes half-way through the answer
    STATUS_503 = "status_503"  # not forwarded; 503, with Retry-After where the rule has it
    STATUS_500_AFTER = "status_500_after"  # forwarded; 500 stands in for the answer
    GARBAGE = "garbage"  # forwarded; an HTML page with status 200 stands in for the answer
    DELAY = "delay"  # forwarded, late


class FaultRule(BaseModel):
    """A fault, and the requests it meets. This counts from the rule's first matching request.

    A request matches by method (`*` is any), by what its target begins with, and by bytes that
    its body contains. Of the matching ones, numbers `first` to `first + count - 1` meet the
    fault, counting from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rail: str = ""
    method: str = "*"
    path: str = "/"
    containing: str = ""
    first: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=1)] = 1
    fault: Fault
    retry_after_s: int | None = None
    delay_s: float = 1.0

    def matches(self, method: str, target: str, content: bytes) -> bool:
        """Whether the rule speaks of this request."""
        return (
            self.method in ("*", method)
            and target.startswith(self.path)
            and self.containing.encode() in content
        )

    @property
    def name(self) -> str:
        """A short digest of the rule, under which its count is kept."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class FaultPlan:
    """The rules of one rail and how far each has counted. This survives with its memory.

    A request that meets two rules meets the first; both count it.
    """

    def __init__(self, rules: Sequence[FaultRule], *, memory: Memory) -> None:
        self._memory = memory
        self._waiting = {rule.name: rule for rule in rules}
        self._seen: Counter[str] = Counter()
        self._injected: Counter[Fault] = Counter()
        for entry in memory.entries():
            self._seen[entry["rule"]] += 1
            if entry["fault"] is not None:
                self._injected[Fault(entry["fault"])] += 1
        for name in list(self._waiting):
            self._retire(name)

    @property
    def injected(self) -> Mapping[Fault, int]:
        """How often each fault was injected, since the memory began."""
        return dict(self._injected)

    def meet(self, method: str, target: str, content: bytes) -> FaultRule | None:
        """The rule whose fault this request meets, if any. The count is kept before it acts."""
        met: FaultRule | None = None
        for name, rule in list(self._waiting.items()):
            if rule.matches(method, target, content):
                self._seen[name] += 1
                due = met is None and self._seen[name] >= rule.first
                met = rule if due else met
                self._memory.append({"rule": name, "fault": rule.fault.value if due else None})
                self._retire(name)
        if met is not None:
            self._injected[met.fault] += 1
        return met

    def _retire(self, name: str) -> None:
        rule = self._waiting[name]
        if self._seen[name] >= rule.first + rule.count - 1:
            del self._waiting[name]


def read_faults(path: Path) -> Sequence[FaultRule]:
    """The rules of a JSON file, a list of objects.

    Raises:
        ConfigError: the file cannot be read, or a rule does not fit; names rule and field.
    """
    try:
        return TypeAdapter(list[FaultRule]).validate_python(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path.name}: rule {where}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} cannot be read as JSON: {type(error).__name__}") from None
