"""The error tree. Every leaf is also a builtin exception, so callers can catch what they already know.

The command line maps the tree to exit codes: `UsageError` and `ScenarioError` 4, everything else 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class TwinError(Exception):
    """Root of every error the product raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in an input: where it is, which key, what is wrong and how to mend it.

    `place` is `file:line` (or the override that set the value); `key` is the dotted path of the offending key.
    """

    place: str
    key: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.place, self.key, self.message) if part)
        return f"{text}; {self.remedy}" if self.remedy else text


class ProblemsError(TwinError):
    """An error that carries all problems found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(TwinError, ValueError):
    """A public function or a command was asked for something that makes no sense."""


class ScenarioError(ProblemsError, ValueError):
    """The scenario is invalid. `problems` lists everything that was found."""


class ScenarioFileError(ScenarioError, OSError):
    """A scenario or table file is missing, unreadable or too large."""


class WorldError(ProblemsError, ValueError):
    """A valid scenario, but a network that cannot be built from it (for example a broken table file)."""


class MissingResultError(TwinError, LookupError):
    """A run, a baseline or a table of results is not there."""


class ConservationError(TwinError, AssertionError):
    """A conservation law does not hold after a run: an internal error that names the offending entity."""


class ReplicationError(TwinError, RuntimeError):
    """One or more replications failed."""
