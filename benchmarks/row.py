"""One row of the table: what was measured, and what it should reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Goal:
    """The least a figure should reach (`floor`) and what is aimed for (`aim`); higher or lower figures are better."""

    floor: float
    aim: float | None = None
    higher: bool = False

    def reaches(self, value: float, limit: float) -> bool:
        return value >= limit if self.higher else value <= limit

    def verdict(self, value: float) -> str:
        """What is reached: `aim`, `floor` or `no`; `yes` for the floor of a goal without an aim."""
        if not self.reaches(value, self.floor):
            return "no"
        if self.aim is None:
            return "yes"
        return "aim" if self.reaches(value, self.aim) else "floor"


@dataclass(frozen=True)
class Row:
    """A measured figure. `values`: all repetitions, of which `value` is the best, the median or a quotient, as `how` says."""

    what: str
    value: float
    unit: str
    goal: Goal | None = None
    how: str = ""
    values: tuple[float, ...] = field(default=())

    @property
    def verdict(self) -> str:
        return self.goal.verdict(self.value) if self.goal else ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "verdict": self.verdict}

    @staticmethod
    def of(data: dict[str, Any]) -> Row:
        """What `as_dict` wrote."""
        goal = Goal(**data["goal"]) if data["goal"] else None
        return Row(data["what"], data["value"], data["unit"], goal, data["how"], tuple(data["values"]))


@dataclass(frozen=True)
class Settings:
    """quick: fewer and shorter repetitions, the longest cases left out. full: memory at ten minutes against an hour."""

    quick: bool = False
    full: bool = False


def best_row(what: str, values: list[float], unit: str, goal: Goal | None = None) -> Row:
    """The lowest of some repetitions: what the machine can do when nothing else runs."""
    return Row(what, min(values), unit, goal, f"best of {len(values)}", tuple(values))
