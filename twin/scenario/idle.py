"""Keys of the language that change no result yet: a scenario that changes one is told so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from twin.scenario.document import KeyPath
from twin.scenario.fields import IDLE
from twin.scenario.findings import Finding
from twin.scenario.libraries import library
from twin.scenario.problems import field_at
from twin.scenario.schema import LIBRARIES, Scenario


def idle_keys(s: Scenario) -> Iterator[Finding]:
    """Keys without effect that the scenario file, or one it extends, sets to something else than library or default."""
    if s._document is not None:
        yield from _below(s._document.data, ())


def _below(data: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    for key, value in data.items():
        here = (*path, key)
        field = field_at(here)
        if field is not None and IDLE in (field.description or ""):
            if value != _usual(here, field.get_default(), value):
                yield Finding(here, "has no effect on the simulation yet")
        elif isinstance(value, Mapping):
            yield from _below(value, here)


def _usual(path: KeyPath, default: Any, written: Any) -> Any:
    """Value a key has unless it is written; of a key that a new entry must give, what is written (but for a new price)."""
    value: Any = library(str(path[0])).data if path[0] in LIBRARIES else None
    for step in path[1:]:
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is not None:
        return value
    if default is PydanticUndefined:
        return None if path[0] == "cost_items" else written
    return default
