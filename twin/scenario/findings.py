"""What a cross-check yields: the path of the offending key, what is wrong, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from twin.scenario.document import KeyPath
from twin.scenario.problems import did_you_mean


class Finding(NamedTuple):
    """One thing that single values do not show."""

    path: KeyPath
    message: str
    remedy: str = ""


def unknown(path: KeyPath, kind: str, name: str, known: Iterable[str]) -> Finding:
    """A reference to something that is not there."""
    return Finding(path, f"{kind} '{name}' does not exist", did_you_mean(name, known))
