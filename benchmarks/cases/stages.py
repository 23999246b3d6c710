"""Where the time of a run goes, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.cases.engines import ALL_CELLULAR
from benchmarks.row import Row, Settings
from benchmarks.timing import Runner
from benchmarks.worlds import many_devices, scenario_world
from twin.engine import run as driver
from twin.engine.epochs import RadioLoads

Times = defaultdict[str, float]

#: Functions that the driver calls, as (owner, attribute, stage); the cells run twice, told apart by their direction.
STAGES: list[tuple[Any, str, str]] = [
    (driver, "generate", "generate"), (driver, "run_cells", "cells"), (driver, "run_network", "network"),
    (driver, "account", "accounts"), (RadioLoads, "epoch", "epochs")]
ORDER = ("generate", "cells up", "network", "cells down", "accounts", "epochs")
DIRECTION_ARGUMENT = 2  # of run_cells


def _timed(work: Callable[..., Any], stage: str, times: Times) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        name = stage if stage != "cells" else f"cells {'down' if arguments[DIRECTION_ARGUMENT] else 'up'}"
        started = time.perf_counter()
        result = work(*arguments)
        times[name] += time.perf_counter() - started
        return result
    return call


@contextmanager
def stage_times() -> Iterator[Times]:
    """Seconds spent in each stage while the block runs."""
    times: Times = defaultdict(float)
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in STAGES]
    for (owner, name, work), (_, _, stage) in zip(kept, STAGES):
        setattr(owner, name, _timed(work, stage, times))
    try:
        yield times
    finally:
        for owner, name, work in kept:
            setattr(owner, name, work)


def by_stage(label: str, runner: Runner, simulated_s: int, repetitions: int) -> list[Row]:
    """Cost a burst of each stage in the fastest of a few stretches."""
    found = []
    for _ in range(repetitions):
        with stage_times() as times:
            pace = runner.stretch(simulated_s)
        found.append((pace, dict(times)))
    runner.finish()
    pace, spent = min(found, key=lambda item: item[0].us_per_burst)
    spent["driver, rest"] = pace.wall_s - sum(spent.values())
    how = f"fastest of {repetitions} stretches"
    return [Row(f"{label}: {name}", 1e9 * spent.get(name, 0.0) / pace.bursts, "ns/burst", None, how)
            for name in (*ORDER, "driver, rest")]


def stages(settings: Settings) -> list[Row]:
    """The stages on the plan with every device cellular, and with a million devices (not when quick)."""
    repetitions, simulated_s = 3 if settings.quick else 10, 1
    plan = Runner(scenario_world("plan-2026", ALL_CELLULAR), repetitions * simulated_s)
    rows = by_stage("plan-2026 all cellular", plan, simulated_s, repetitions)
    if not settings.quick:
        rows += by_stage("1,000,000 devices", Runner(many_devices(1_000_000), 3), 1, 3)
    return rows
