"""The cases: each measures in a process of its own and returns rows."""

from __future__ import annotations

from importlib import import_module

from benchmarks.row import Row, Settings

#: name -> module:function, in the order of the table.
CASES = {
    "ratio": "engines:ratio",
    "plan": "engines:plan",
    "mixed": "engines:mixed",
    "stages": "stages:stages",
    "dense": "engines:dense",
    "scale": "scale:scale",
    "cell": "engines:cell",
    "signalling": "signalling:signalling",
    "memory": "memory:memory",
    "start": "commands:start",
    "first-run": "commands:first_run",
}
#: What `--quick` leaves out.
LONG = ("first-run",)


def run_case(name: str, settings: Settings) -> list[Row]:
    """Measure one case in this process."""
    module, _, function = CASES[name].partition(":")
    rows: list[Row] = getattr(import_module(f"benchmarks.cases.{module}"), function)(settings)
    return rows
